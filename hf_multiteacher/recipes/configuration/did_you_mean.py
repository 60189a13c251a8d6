"""What was probably meant by a word that nobody knows; for command lines too, so it imports nothing that is slow."""

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Ask whether the nearest known word was meant, with a blank before the sentence; empty where none is near."""
    nearest = get_close_matches(word, [*known], n=1)
    return f" Did you mean '{nearest[0]}'?" if nearest else ""
