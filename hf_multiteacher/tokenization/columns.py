"""Columns of a data set: what those of teachers are called, and reading with errors that name column and row."""

import re
import reprlib
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np

from .spans import Integers

TEACHER_PARTS = ("input_ids", "attention_mask", "token_type_ids", "spans", "student_spans")
LABEL_NAMES = ("labels", "label", "label_ids")
TAUGHT_BY, TEACHER_MASK = "taught_by", "teacher_mask"
"""Who may speak about an example: their names in the data, and in a batch whether each of the teachers may."""
TEACHER_COLUMN = re.compile(rf"teacher_(\d+)_({'|'.join(TEACHER_PARTS)})")


def teacher_column(source: int | None, part: str) -> str:
    """Name the column with one part of an encoding.

    Args:
        source: the first teacher whose tokenizer made the encoding, `None` for the student's own.
        part: one of `TEACHER_PARTS`, or `positions`, which the collator adds; empty for how all their names start.
    """
    return part if source is None else f"teacher_{source}_{part}"


def read_column(batch: Mapping[str, Sequence], name: str) -> list[Any]:
    """Take a column out of a batch of examples.

    Raises:
        ValueError: there is no such column.
        TypeError: it is not a list, as when `Dataset.map` is called without `batched=True`.
    """
    if name not in batch:
        raise ValueError(
            f"MultiTokenizer.encode expects a column '{name}', but the data set has only {sorted(batch)}: there is "
            "nothing to encode. Pass the name of one of these columns."
        )

    rows = batch[name]
    if isinstance(rows, str) or not isinstance(rows, Sequence):
        raise TypeError(
            f"MultiTokenizer.encode expects a batch of examples, a list in column '{name}', but got one "
            f"{type(rows).__name__}. Call Dataset.map with batched=True, or wrap the example: {{'{name}': [value]}}."
        )
    return list(rows)


def read_sequences(
    batch: Mapping[str, Sequence], text: str | None, text_pair: str | None, words: str | None
) -> list[list[Any]]:
    """Take the columns to be encoded, in composed characters (NFC): texts, pairs of texts or lists of words.

    Raises:
        ValueError: it is not clear which columns, or one is missing.
        TypeError: a row is no text, or no list of words.
    """
    if (text is None) == (words is None) or (words is not None and text_pair is not None):
        raise ValueError(
            "MultiTokenizer.encode expects the name of a column of texts (text=, with text_pair= for pairs) or of "
            f"lists of words (words=), but got {text=}, {text_pair=}, {words=}: it cannot tell what to encode. "
            "Name one, for example encode(batch, text='sentence')."
        )

    if words is not None:
        rows = _checked(read_column(batch, words), words, "lists of words", "Pass whole texts as text=.", _is_words)
        return [[[_composed(word) for word in row] for row in rows]]

    columns = {name: read_column(batch, name) for name in (text, text_pair) if name is not None}
    hint = "Pass lists of words as words=."
    return [
        [_composed(row) for row in _checked(rows, name, "texts", hint, _is_text)] for name, rows in columns.items()
    ]


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _is_text(row: Any) -> bool:
    return isinstance(row, str)


def _is_words(row: Any) -> bool:
    return isinstance(row, list | tuple) and all(isinstance(word, str) for word in row)


def _checked(rows: list[Any], name: str, kind: str, hint: str, accepts: Callable[[Any], bool]) -> list[Any]:
    for row, value in enumerate(rows):
        if not accepts(value):
            raise TypeError(
                f"MultiTokenizer.encode expects {kind} in column '{name}', but row {row} of the batch holds "
                f"{reprlib.repr(value)}: it cannot be tokenized. {hint} Fill or filter out rows where it is missing."
            )
    return rows


def read_word_labels(batch: Mapping[str, Sequence], name: str, words: Sequence[Sequence[str]]) -> Integers:
    """Take a column of one label per word; [words of all examples].

    Raises:
        ValueError: a row has more or fewer labels than words.
        TypeError: the labels are not integers.
    """
    rows = read_column(batch, name)

    for row, (labels, own_words) in enumerate(zip(rows, words, strict=True)):
        count = len(labels) if isinstance(labels, Sequence) and not isinstance(labels, str) else None
        if count != len(own_words):
            raise ValueError(
                f"MultiTokenizer.encode expects one label per word in column '{name}', but row {row} of the batch has "
                f"{'no list' if count is None else count} for {len(own_words)} words: labels would stand on the wrong "
                "words. Correct the row or leave it out."
            )

    flat = list(chain.from_iterable(rows))
    wrong = next((label for label in flat if not isinstance(label, int | np.integer)), None)
    if wrong is not None or None in flat:
        raise TypeError(
            f"MultiTokenizer.encode expects integer labels in column '{name}', but got {wrong!r}: it has no place "
            "in a tensor. Turn names into numbers first, for example with the ClassLabel feature of datasets."
        )

    return np.array(flat, np.int64)
