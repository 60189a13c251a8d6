"""The rows of a labelled data set, checked one by one: texts or words, and what stands in the column of labels."""

import math
from collections.abc import Callable, Sequence
from typing import Any

from datasets import Dataset

from ...tokenization.columns import TAUGHT_BY
from .columns import Columns
from .label_inventory import own_names, read_label
from .listed import listed, shown

PUBLISHED_WITHOUT = (None, "-1")
"""What stands in the label column of a part that was published without its labels."""


def read_inputs(dataset: Dataset, columns: Columns, part: str) -> dict[str, list[Any]]:
    """Read the columns that models are given: `words`, `text`, or `text` and `text_pair`.

    Args:
        dataset: One part of the data.
        columns: Their names there.
        part: What messages call the part.

    Raises:
        ValueError: A row has no text, or no words.
    """
    found = {}
    for role, name in columns.inputs.items():
        if name not in dataset.column_names:
            raise ValueError(
                f"The part {part} has the columns {listed(dataset.column_names)}, and so no '{name}', which train "
                "has. All parts must have the same columns."
            )
        read = read_words if role == "words" else _read_text
        found[role] = _each_row(dataset, name, part, read)
    return found


def read_words(value: Any) -> list[str]:
    """Return the words of a sentence: a list of them, or a text with spaces between them.

    Raises:
        ValueError: It is neither, or empty.
    """
    words = value.split() if isinstance(value, str) else value
    if not isinstance(words, list) or not words or not all(isinstance(word, str) for word in words):
        raise ValueError("expected a list of words, or a text with spaces between them")
    return words


def read_speakers(dataset: Dataset, part: str, teachers: Sequence[str]) -> dict[str, list[list[str] | None]]:
    """Read which teachers may speak about each example, where a column says so: a list, or a text with spaces.

    Args:
        dataset: One part of the data.
        part: What messages call the part.
        teachers: The names of all teachers.

    Returns:
        The column, with None where a cell is empty, so that all may speak; nothing where there is no such column.

    Raises:
        ValueError: A row names somebody who is no teacher.
    """
    if TAUGHT_BY not in dataset.column_names:
        return {}

    def read(value: Any) -> list[str] | None:
        names = _names_in(value, teachers) if isinstance(value, str) else value
        if names is not None and not (isinstance(names, list) and all(name in teachers for name in names)):
            raise ValueError(f"expected names of the teachers {listed(teachers)}, found {shown(value)}")
        return names

    return {TAUGHT_BY: _each_row(dataset, TAUGHT_BY, part, read)}


def _names_in(text: str, teachers: Sequence[str]) -> list[str] | None:
    """Return the names in a cell; one that holds a space must stand there alone."""
    return [text.strip()] if text.strip() in teachers else text.split() or None


def read_classes(dataset: Dataset, column: str, part: str) -> list[str | None]:
    """Read one label per row, as texts.

    Args:
        dataset: One part of the data.
        column: That of the labels.
        part: What messages call the part.

    Returns:
        The labels; nothing but None where the part was published without them.

    Raises:
        ValueError: A row has no label, or a list of them.
    """
    names = own_names(dataset, column)

    def read(value: Any) -> str | None:
        if isinstance(value, list | dict):
            raise ValueError("expected one label, found several")
        return read_label(value, names)

    return _with_labels(_each_row(dataset, column, part, read), column, part)


def read_tags(dataset: Dataset, column: str, part: str, words: Sequence[Sequence[str]]) -> list[list[str]]:
    """Read one label per word: a list of them in each row, or a text with spaces between them; as `read_classes`.

    Raises:
        ValueError: A row has more or fewer labels than words.
    """
    names = own_names(dataset, column)
    rows = iter(words)

    def read(value: Any) -> list[str]:
        count = len(next(rows))
        tags = value.split() if isinstance(value, str) else value
        if not isinstance(tags, list) or len(tags) != count:
            found = len(tags) if isinstance(tags, list) else "no list"
            raise ValueError(f"expected a label for each of the {count} words, found {found}")

        labels = [read_label(tag, names) for tag in tags]
        if None in labels:
            raise ValueError("a word has no label")
        return [label for label in labels if label is not None]

    return _each_row(dataset, column, part, read)


def read_numbers(dataset: Dataset, column: str, part: str) -> list[float | None]:
    """Read one number per row; as `read_classes`."""
    return _with_labels(_each_row(dataset, column, part, _number), column, part)


def _number(value: Any) -> float | None:
    if value is None or (isinstance(value, str) and not value.strip()):
        return None

    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"expected a number, found {shown(value)}")
    return number


def _read_text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"expected a text, found {shown(value)}")
    return value


def _each_row(dataset: Dataset, column: str, part: str, read: Callable[[Any], Any]) -> list[Any]:
    rows = []
    for number, value in enumerate(dataset[column][:], 1):
        try:
            rows.append(read(value))
        except ValueError as error:
            raise ValueError(
                f"Example {number} of the part {part}, column '{column}': {error}. Correct it, or leave the example "
                "out."
            ) from None
    return rows


def _with_labels(labels: list[Any], column: str, part: str) -> list[Any]:
    """Refuse a part of whose rows some have no label; that none has may be how it was published."""
    if all(label in PUBLISHED_WITHOUT for label in labels):
        return [None] * len(labels)

    missing = next((number for number, label in enumerate(labels, 1) if label is None), None)
    if missing is not None:
        raise ValueError(
            f"Example {missing} of the part {part} has no label in column '{column}'. Fill it, or move the texts "
            "without labels to a file of their own and name that as unlabelled."
        )
    return labels
