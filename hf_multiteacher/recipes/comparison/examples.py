"""What models are compared on: a Romanian task, the user's own files, or a data set on the Hub. No labels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np
from datasets import Dataset, load_dataset

from ...models.task import SEQUENCE_CLASSIFICATION, TOKEN_CLASSIFICATION
from ...romanian.loading import load_task
from ...romanian.tasks import DEFINITIONS
from ...tokenization.columns import read_sequences
from ..data.columns import find_columns
from ..data.labelled_files import READERS, TEST, TRAIN, VALIDATION, read_parts
from ..data.labelled_rows import read_inputs
from ..data.text_files import read_lines, text_files

REGRESSION = "regression"
KINDS = (TOKEN_CLASSIFICATION.name, SEQUENCE_CLASSIFICATION.name, REGRESSION)
ALIASES = {SEQUENCE_CLASSIFICATION.pipeline: SEQUENCE_CLASSIFICATION.name}


@dataclass(frozen=True)
class Examples:
    """Texts, pairs of texts or sentences of words, and what the models are to say about them.

    Attributes:
        kind: One of `KINDS`. A *row* is a word in token classification, else an example.
        sequences: One list of texts, two lists of equal length (pairs), or one list of lists of words.
        split: The part of the data set that they are; text files have none.
    """

    kind: str
    sequences: list[list[Any]]
    split: str | None = None

    def __len__(self) -> int:
        return len(self.sequences[0])

    @property
    def tagging(self) -> bool:
        """Whether a row is a word."""
        return self.kind == TOKEN_CLASSIFICATION.name

    @cached_property
    def rows_per_example(self) -> np.ndarray:
        """Number of rows of each example, `[examples]`."""
        counts = [len(words) for words in self.sequences[0]] if self.tagging else [1] * len(self)
        return np.array(counts, np.int64)

    def text(self, example: int) -> str:
        """The whole text of an example on one line."""
        parts = (sequence[example] for sequence in self.sequences)
        return " | ".join(" ".join(part if self.tagging else part.split()) for part in parts)


def load_examples(
    task: str, data: str | None, split: str | None = None, columns: Mapping[str, str] | None = None
) -> Examples:
    """Load the texts of a Romanian task, or the user's own.

    Args:
        task: The key of a Romanian task, or one of `KINDS`; `text-classification` is the Hub's name of
            `sequence-classification`.
        data: For a Romanian task as in `load_task`. For a kind: a text file or a folder of text files (one text per
            line, two with a tab between them, or words with spaces between them); a file or folder with labels, as
            `read_parts` takes them; or the id of a data set on the Hub.
        split: Part of the data set; by default `test`, or `validation` where there is no `test`, or `train` where
            there is only one file.
        columns: What the user calls the columns: `text_column`, `second_text_column`, `words_column`; those that are
            not named are found by their usual names.

    Raises:
        ValueError: There is no such task, split or column, or the data cannot be read or are empty.
        OSError: The data of the task are not there or cannot be downloaded.
    """
    if task in DEFINITIONS:
        kind, split, found = _from_task(task, data, split)
    else:
        kind = ALIASES.get(task, task)
        split, found = _own(kind, data, split, columns or {})

    if not any(next(iter(found.values()), [])):
        raise ValueError(f"'{data}' holds no text, so there is nothing to compare. Check its content.")

    names = {name: name for name in found}
    sequences = read_sequences(found, names.get("text"), names.get("text_pair"), names.get("words"))
    return Examples(kind, sequences, split)


def _from_task(task: str, data: str | None, split: str | None) -> tuple[str, str, dict[str, list]]:
    loaded = load_task(task, data)
    split = split or ("test" if "test" in loaded.data else "validation")
    if split not in loaded.data:
        raise ValueError(f"The task {task} has no split '{split}' there, only {', '.join(loaded.data)}.")

    kind = REGRESSION if loaded.label_names is None else loaded.definition.problem
    columns = loaded.data[split].select_columns([*loaded.definition.text_columns])
    return kind, split, cast(dict, columns.to_dict())


def _own(
    kind: str, data: str | None, split: str | None, columns: Mapping[str, str]
) -> tuple[str | None, dict[str, list]]:
    """Read the user's own text: the split, which text files have none, and the columns."""
    if kind not in KINDS:
        raise ValueError(f"There is no task '{kind}'; there are {', '.join(DEFINITIONS)}, and {', '.join(KINDS)}.")
    if data is None:
        raise ValueError(
            f"The task {kind} needs --data: a text file, a folder of text files, a file with columns "
            f"({', '.join(READERS)}), or a data set's id."
        )

    if _is_text(Path(data)):
        if split is not None:
            raise ValueError(f"'{data}' holds text files, which have no split '{split}'. Leave --split out.")
        return None, _columns_of_lines(kind, [*filter(str.strip, read_lines(text_files(data)))])

    known = Path(data).exists() or Path(data).suffix.lower() in READERS
    part, dataset = _of_files(data, split) if known else (split or TEST, _from_hub(data, split or TEST))
    tagging = kind == TOKEN_CLASSIFICATION.name
    found = find_columns(dataset.column_names, tagging=tagging, regression=False, labelled=False, **columns)
    return part, read_inputs(dataset, found, part)


def _is_text(path: Path) -> bool:
    """Whether a path holds text without columns."""
    if path.is_dir():
        return not any(file.suffix.lower() in READERS for file in path.iterdir())
    return path.is_file() and path.suffix.lower() not in READERS


def _of_files(data: str, split: str | None) -> tuple[str, Dataset]:
    parts = read_parts(data)
    part = split or next(name for name in (TEST, VALIDATION, TRAIN) if name in parts)
    if part not in parts:
        raise ValueError(f"'{data}' has no split '{part}', only {', '.join(parts)}.")
    return part, parts[part]


def _columns_of_lines(kind: str, lines: Sequence[str]) -> dict[str, list]:
    if kind == TOKEN_CLASSIFICATION.name:
        return {"words": [line.split() for line in lines]}

    rows = [line.split("\t") for line in lines]
    width = len(rows[0]) if rows else 1
    wrong = [line for line, row in zip(lines, rows, strict=True) if len(row) != width or width > 2]
    if wrong:
        raise ValueError(
            "Texts must stand one per line, or two per line with one tab between them, the same in every line, but "
            f"'{wrong[0][:80]}' has {wrong[0].count(chr(9))} tabs. Correct that line."
        )

    return {name: [*column] for name, column in zip(("text", "text_pair"), zip(*rows, strict=True), strict=False)}


def _from_hub(source: str, split: str) -> Dataset:
    name, _, configuration = source.partition(":")
    try:
        return cast(Dataset, load_dataset(name, configuration or None, split=split))
    except Exception as error:
        raise ValueError(
            f"'{source}' is neither a file nor a folder, nor a data set with a split '{split}' that can be loaded "
            f"({type(error).__name__}: {str(error).splitlines()[0]}). Check the path or the id."
        ) from error
