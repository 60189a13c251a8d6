"""Encoding texts for a student and two teachers with tokenizers of their own."""

from pathlib import Path

from ..settings import Settings
from .texts import multi_tokenizer, texts
from .timing import Pair


def encoding(settings: Settings, folder: Path) -> dict[str, Pair]:
    """Compare with the student's tokenizer, and with the three tokenizers, one after the other."""
    tokenizers, rows = multi_tokenizer(settings.texts, settings.length), texts(settings.texts)
    every = [tokenizers.student_tokenizer, *tokenizers.teacher_tokenizers]

    def ours() -> None:
        tokenizers.encode({"text": rows}, text="text")

    def student() -> None:
        every[0](rows, truncation=True)

    def all_three() -> None:
        for tokenizer in every:
            tokenizer(rows, truncation=True)

    def rate(seconds: float) -> float:
        return len(rows) / seconds

    return {
        "encoding": Pair(ours, student, "the student's tokenizer alone", "rows/s", rate),
        "encoding, three": Pair(ours, all_three, "three tokenizers, no spans", "rows/s", rate),
    }
