"""Text without labels, from which a student learns what its teachers say of it."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from datasets import Dataset, Features, concatenate_datasets

from ...tokenization.columns import TAUGHT_BY
from .columns import find_columns
from .corpus import lines_of
from .labelled_files import READERS, read_file
from .labelled_rows import read_inputs, read_speakers, read_words
from .task_data import NAMES, TaskData

NO_CLASS = -100
PART = "unlabelled"


def load_unlabelled(
    sources: str | Sequence[str],
    task: TaskData,
    *,
    text_column: str | None,
    second_text_column: str | None = None,
    speakers: Sequence[str] = (),
) -> Dataset:
    """Load text as examples of a task that have no label: -100, for each word in tagging, or NaN in regression.

    Args:
        sources: Text files or folders of them, a text in each line, two with a tab between them for pairs, or words
            with spaces between them; ids of data sets on the Hub; `synthetic`; or files of columns, as labelled data
            are.
        task: Tells what an example is.
        text_column: The column with the text, where there are columns; guessed by default.
        second_text_column: Likewise that of the second text.
        speakers: The names of all teachers, which may stand in a column `taught_by`.

    Raises:
        ValueError: A source cannot be read, holds no text, has no pairs where the task has, or names a teacher that
            there is not.
    """
    given = [sources] if isinstance(sources, str) else sources
    parts = []
    for source in given:
        if Path(source).suffix.lower() in READERS:
            found = _of_columns(source, task, text_column, second_text_column, speakers)
        else:
            found = _of_lines(source, task, text_column or "text")
        parts.append(without_labels(found, task))

    text = concatenate_datasets(parts)
    if not len(text):
        raise ValueError(f"The unlabelled text '{', '.join(given)}' holds no text. Check its content.")
    return text


def without_labels(columns: Mapping[str, Sequence[Any]] | Dataset, task: TaskData) -> Dataset:
    """Make examples of a task that have no label: -100, for each word in tagging, or NaN in regression.

    Args:
        columns: What is read of them, in the columns `words`, `text` or `text` and `text_pair`, and maybe `taught_by`.
        task: Tells what an example is.
    """
    names = columns.column_names if isinstance(columns, Dataset) else columns
    inputs = {name: columns[name][:] for name in task.inputs}
    speakers = {TAUGHT_BY: columns[TAUGHT_BY][:]} if TAUGHT_BY in names else {}
    labels = [_no_label(task, example) for example in next(iter(inputs.values()))]

    features = Features({**task.features, **dict.fromkeys(speakers, NAMES)})
    return Dataset.from_dict({**inputs, **speakers, "labels": labels}, features=features)


def _no_label(task: TaskData, example: Any) -> Any:
    if task.label_names is None:
        return math.nan
    return [NO_CLASS] * len(example) if task.tagging else NO_CLASS


def _of_columns(
    source: str, task: TaskData, text_column: str | None, second_text_column: str | None, speakers: Sequence[str]
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
    return {**read_inputs(dataset, columns, PART), **read_speakers(dataset, PART, speakers)}


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
