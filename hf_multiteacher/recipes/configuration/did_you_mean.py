"""What was probably meant by a word that nobody knows; for command lines too, so it imports nothing that is slow."""

from collections.abc import Iterable
from difflib import SequenceMatcher, get_close_matches


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Ask whether the nearest known word was meant, with a blank before the sentence; empty where none is near.

    Example:
        >>> did_you_mean("teacher_temprature", ["temperature", "teacher_weighting"])
        " Did you mean 'temperature'?"
    """
    words = [*known]
    near = [
        (SequenceMatcher(None, each, spelling).ratio(), each)
        for spelling in _spellings(word)
        for each in get_close_matches(spelling, words, n=1)
    ]
    return f" Did you mean '{max(near)[1]}'?" if near else ""


def _spellings(word: str) -> list[str]:
    """Return a word, and what it is without its first part, which may be the one too many."""
    _, joint, rest = word.partition("_")
    return [word, f"{'--' if word.startswith('--') else ''}{rest}"] if joint else [word]
