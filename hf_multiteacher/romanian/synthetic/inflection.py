"""Romanian inflection: the forms of a noun, an adjective or a verb, from the few parts that a lexicon gives.

The rules are those of any school grammar, restricted to the paradigms that the synthetic corpus uses.
"""

from collections.abc import Sequence
from functools import cache

_PLURAL_ENDINGS = {"t": "ți", "d": "zi", "s": "și"}


def _definite_singular(form: str, feminine: bool) -> str:
    if not feminine:
        return form + ("l" if form.endswith("u") else "le" if form.endswith("e") else "ul")
    if form.endswith(("ea", "a")):
        return form + "ua"
    if form.endswith(("ă", "ie")):
        return form[:-1] + "a"
    return form + "a"


def _definite_genitive(singular: str, plural: str, feminine: bool) -> str:
    if not feminine:
        return singular + ("lui" if singular.endswith(("u", "e")) else "ului")
    if singular.endswith("ie") and plural.endswith("ii"):
        return singular + "i"
    return plural + "i"


@cache
def noun_form(singular: str, plural: str, feminine: bool, number: str, oblique: bool, definite: bool) -> str:
    """Inflect a noun, or an adjective that stands before its noun and carries the article.

    Args:
        singular: Form without article, singular.
        plural: Form without article, plural.
        feminine: Whether the noun takes feminine endings in this number (a neuter does in the plural).
        number: `s` or `p`.
        oblique: Genitive-dative instead of nominative-accusative.
        definite: With the enclitic article.
    """
    if number == "s":
        if definite and oblique:
            return _definite_genitive(singular, plural, feminine)
        if definite:
            return _definite_singular(singular, feminine)
        return plural if oblique and feminine else singular

    if not definite:
        return plural
    if oblique:
        return plural + "lor"
    return plural + ("le" if feminine else "i")


@cache
def adjective_forms(masculine: str) -> tuple[str, str, str, str]:
    """Return masculine singular, feminine singular, masculine plural and feminine plural of a regular adjective."""
    stem = masculine[:-1]

    if masculine.endswith("e"):
        plural = {"te": "ți", "de": "zi"}.get(masculine[-2:], masculine[-2] + "i")
        return masculine, masculine, masculine[:-2] + plural, masculine[:-2] + plural
    if masculine.endswith("iu"):
        return masculine, stem + "e", stem + "i", stem + "i"
    if masculine.endswith("u"):
        return masculine, stem + "ă", stem + "i", stem + "e"
    if masculine.endswith("os"):
        return masculine, masculine[:-2] + "oasă", masculine[:-2] + "oși", masculine[:-2] + "oase"
    if masculine.endswith("tor"):
        return masculine, masculine[:-2] + "oare", masculine + "i", masculine[:-2] + "oare"
    if masculine.endswith("st"):
        return masculine, masculine + "ă", masculine[:-2] + "ști", masculine + "e"
    if masculine.endswith(("c", "g")) and not masculine.endswith("ic"):
        return masculine, masculine + "ă", masculine + "i", masculine + "i"

    plural = stem + _PLURAL_ENDINGS.get(masculine[-1], masculine[-1] + "i")
    return masculine, masculine + "ă", plural, masculine + "e"


def _conjugate_ez(infinitive: str) -> list[str]:
    stem = infinitive[:-1]
    hard = stem + "h" if stem.endswith(("c", "g")) else stem
    third = hard + ("ază" if stem.endswith("i") else "ează")
    return [hard + "ez", hard + "ezi", third, hard + "eze"]


def _conjugate_esc(infinitive: str) -> list[str]:
    stem = infinitive if infinitive[-2] in "aeouă" else infinitive[:-1]
    return [stem + "esc", stem + "ești", stem + "ește", stem + "ească" if stem[-1] != "i" else stem + "ască"]


def _present(infinitive: str, conjugation: str, parts: Sequence[str]) -> Sequence[str]:
    """First, second and third person singular, and the third person of the subjunctive."""
    if conjugation == "ez":
        return _conjugate_ez(infinitive)
    if conjugation == "esc":
        return _conjugate_esc(infinitive)
    return parts[:4]


def _plural(infinitive: str) -> tuple[str, str, str]:
    """The stem, and first and second person plural."""
    if infinitive.endswith("a") and not infinitive.endswith("ea"):
        stem = infinitive[:-1]
        return stem, stem + ("em" if stem.endswith("i") else "ăm"), stem + "ați"

    stem = infinitive[:-2] if infinitive.endswith("ea") else infinitive[:-1]
    vowel = "i" if infinitive.endswith("i") else "e"
    return stem, stem + vowel + "m", stem + vowel + "ți"


def _imperfect(infinitive: str, stem: str) -> str:
    """Third person singular of a regular verb."""
    if infinitive.endswith("a"):
        return infinitive
    return stem + ("ia" if infinitive[-2] in "aeouă" else "ea")


@cache
def verb_forms(infinitive: str, conjugation: str, *parts: str) -> dict[str, str]:
    """Conjugate a verb.

    Args:
        infinitive: Without the particle.
        conjugation: `ez` or `esc` (regular), `a` (parts: present 1s 2s 3s, subjunctive 3) or `x` (parts: the same,
            then imperfect 3s and participle; the third person plural equals the first singular).
        *parts: The forms that the class cannot predict.

    Returns:
        Forms under `1s` ... `3p` (present), `subjunctive` (third person), `imperfect1s` ... `imperfect3p`,
        `participle` and `infinitive`.
    """
    first, second, third, subjunctive = _present(infinitive, conjugation, parts)
    stem, first_plural, second_plural = _plural(infinitive)

    if conjugation == "x":
        imperfect, participle = parts[4:6]
    else:
        imperfect, participle = _imperfect(infinitive, stem), infinitive + "t"

    forms = {
        "1s": first,
        "2s": second,
        "3s": third,
        "1p": first_plural,
        "2p": second_plural,
        "3p": first if conjugation in ("esc", "x") else third,
        "subjunctive": subjunctive,
        "participle": participle,
        "infinitive": infinitive,
    }
    for person, ending in {"1s": "m", "2s": "i", "3s": "", "1p": "m", "2p": "ți", "3p": "u"}.items():
        forms["imperfect" + person] = imperfect + ending

    return forms
