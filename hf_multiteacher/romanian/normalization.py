"""One spelling for Romanian text: comma below instead of cedilla, composed characters."""

import unicodedata

_COMMA_BELOW = str.maketrans("şţŞŢ", "șțȘȚ")


def normalize(text: str) -> str:
    """Replace s and t with cedilla by s and t with comma below and compose characters (NFC).

    Older fonts had the cedilla letters only, so the spelling says when and where a text was typed: a classifier of
    dialects learns that instead of the dialect.

    Example:
        >>> normalize("Piaţa Timişoarei")
        'Piața Timișoarei'
    """
    return unicodedata.normalize("NFC", text).translate(_COMMA_BELOW)
