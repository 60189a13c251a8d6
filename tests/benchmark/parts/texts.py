"""Texts and tokenizers for what needs real words: sentences from the package's grammar."""

from functools import cache
from typing import Any

from hf_multiteacher.recipes.pretraining import train_wordpiece
from hf_multiteacher.romanian.synthetic.sentences import generate_corpus
from hf_multiteacher.tokenization.multi_tokenizer import MultiTokenizer

ENTRIES = (4000, 3000, 2000)  # of the student and of two teachers


@cache
def texts(count: int) -> list[str]:
    """Generate texts."""
    return generate_corpus(count)


@cache
def multi_tokenizer(count: int, length: int) -> MultiTokenizer:
    """Train the tokenizers of a student and of two teachers that share nothing."""
    student, *teachers = [
        train_wordpiece(texts(count), entries, lowercase=number == 2, max_length=length)
        for number, entries in enumerate(ENTRIES)
    ]
    return MultiTokenizer(student, teachers)


@cache
def encoded(count: int, length: int) -> list[dict[str, Any]]:
    """Encode the texts for all models."""
    columns = multi_tokenizer(count, length).encode({"text": texts(count)}, text="text")
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
