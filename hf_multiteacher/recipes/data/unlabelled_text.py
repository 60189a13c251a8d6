"""Text without labels, from which a student learns what its teachers say of it."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from datasets import Dataset

from .columns import find_columns
from .corpus import lines_of
from .labelled_files import READERS, read_file
from .labelled_rows import read_inputs, read_words
from .task_data import TaskData

NO_CLASS = -100
PART = "unlabelled"


def load_unlabelled(
    sources: str | Sequence[str], task: TaskData, *, text_column: str | None, second_text_column: str | None = None
) -> Dataset:
    """Load text as examples of a task that have no label: -100, for each word in tagging, or NaN in regression.

    Args:
        sources: Text files or folders of them, a text in each line, two with a tab between them for pairs, or words
            with spaces between them; ids of data sets on the Hub; `synthetic`; or files of columns, as labelled data
            are.
        task: Tells what an example is.
        text_column: The column with the text, where there are columns; guessed by default.
        second_text_column: Likewise that of the second text.

    Raises:
        ValueError: A source cannot be read, holds no text, or has no pairs where the task has.
    """
    given = [sources] if isinstance(sources, str) else sources
    columns: dict[str, list[Any]] = {name: [] for name in task.inputs}
    for source in given:
        if Path(source).suffix.lower() in READERS:
            found = _of_columns(source, task, text_column, second_text_column)
        else:
            found = _of_lines(source, task, text_column or "text")
        for name, values in found.items():
            columns[name] += values

    examples = next(iter(columns.values()))
    if not examples:
        raise ValueError(f"The unlabelled text '{', '.join(given)}' holds no text. Check its content.")
    return without_labels(columns, task)


def without_labels(columns: Mapping[str, Sequence[Any]] | Dataset, task: TaskData) -> Dataset:
    """Make examples of a task that have no label: -100, for each word in tagging, or NaN in regression.

    Args:
        columns: What is read of them, in the columns `words`, `text` or `text` and `text_pair`.
        task: Tells what an example is.
    """
    inputs = {name: columns[name][:] for name in task.inputs}
    labels = [_no_label(task, example) for example in next(iter(inputs.values()))]
    return Dataset.from_dict({**inputs, "labels": labels}, features=task.features)


def _no_label(task: TaskData, example: Any) -> Any:
    if task.label_names is None:
        return math.nan
    return [NO_CLASS] * len(example) if task.tagging else NO_CLASS


def _of_columns(
    source: str, task: TaskData, text_column: str | None, second_text_column: str | None
) -> dict[str, list[Any]]:
    dataset = read_file(Path(source))
    columns = find_columns(
        dataset.column_names,
        tagging=task.tagging,
        regression=False,
        labelled=False,
        text_column=text_column,
        second_text_column=second_text_column,
    )
    if {*columns.inputs} != {*task.inputs}:
        raise ValueError(
            f"'{source}' holds {' and '.join(columns.inputs)}, but an example of the task is "
            f"{' and '.join(task.inputs)}. Give text of the same kind."
        )
    return read_inputs(dataset, columns, PART)


def _of_lines(source: str, task: TaskData, text_column: str) -> dict[str, list[Any]]:
    lines = [line for line in lines_of(source, text_column) if line.strip()]
    if task.tagging:
        return {"words": [read_words(line) for line in lines]}
    if "text_pair" not in task.inputs:
        return {"text": lines}

    pairs = [line.split("\t") for line in lines]
    wrong = next((line for line, pair in zip(lines, pairs, strict=True) if len(pair) != 2), None)
    if wrong is not None:
        raise ValueError(
            f"An example of the task is a pair of texts, with one tab between them in a line of '{source}', but "
            f"'{wrong[:60]}' has {wrong.count(chr(9))} tabs. Correct that line, or give a file with columns."
        )
    first, second = zip(*pairs, strict=True) if pairs else ((), ())
    return {"text": [*first], "text_pair": [*second]}
