"""The user's own task: labelled files or a data set's id, with the columns and labels that stand there."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from datasets import Dataset, Features, Value
from datasets import Sequence as SequenceFeature

from ...romanian.scores import classification_scores, correlation_scores, entity_scores, tag_scores
from ...romanian.splits import stratified_split
from ...tokenization.columns import TAUGHT_BY
from ..configuration.configuration import REGRESSION, TOKEN_CLASSIFICATION, DistillationConfig
from .columns import Columns, find_columns
from .label_inventory import Inventory, Names, take_inventory
from .labelled_files import TEST, TRAIN, VALIDATION, read_parts
from .labelled_rows import read_classes, read_inputs, read_numbers, read_speakers, read_tags
from .task_data import NAMES, Score, TaskData

HELD_OUT_SHARE = 0.15
ENTITY_TAG = re.compile(r"O|[BI]-.+")
Parts = dict[str, dict[str, list[Any]]]


def load_own_task(
    config: DistillationConfig, teachers: Sequence[Names], seed: int, speakers: Sequence[str] = ()
) -> TaskData:
    """Load the data of a configuration whose task is the user's own.

    Args:
        config: What the user gave.
        teachers: The labels of the fine-tuned teachers; none where the teachers are fine-tuned on these data.
        seed: Which rows are held out where the data have neither a test nor a validation part.
        speakers: The names of all teachers, which may stand in a column `taught_by`.

    Raises:
        ValueError: The data cannot be read, a column is not there, a label is missing or unknown to the teachers, or
            one is named that there is not.
    """
    if not isinstance(config.data, str | Mapping):
        raise ValueError(
            f"The task {config.task} needs data: a file, a folder, a mapping of train, validation and test to files, "
            "or a data set's id. Add a line for it, or give --data."
        )

    datasets = read_parts(config.data)
    columns = _columns(config, datasets[TRAIN])
    parts = {part: _read_part(config, dataset, columns, part, speakers) for part, dataset in datasets.items()}
    notes = [_guessed(columns)] if columns.guessed else []

    parts, dropped = _labelled(parts)
    inventory = _inventory(config, parts, teachers)
    names = None if inventory is None else inventory.names
    parts, measured, held_out = _with_measured_part(parts, names is not None and not _tagging(config), seed)

    score, metric = scores_for(config.task, names)
    found = {part: _dataset(rows, inventory, _tagging(config)) for part, rows in parts.items()}
    return TaskData(
        train=found[TRAIN],
        test=found[measured],
        part=measured,
        label_names=names,
        score=score,
        metric=metric,
        title=_title(config.data, TRAIN),
        measured_title=_title(config.data, TRAIN if held_out else measured),
        notes=[*notes, *dropped, *(inventory.notes if inventory else ()), *held_out],
        columns=dict(columns.guessed or {}),
        validation=found.get(VALIDATION) if measured != VALIDATION else None,
        held_out=bool(held_out),
    )


def scores_for(task: str, names: Sequence[str] | None) -> tuple[Score, str]:
    """Return how the user's own task is scored, and the main figure.

    Args:
        task: One of `OWN_TASKS`.
        names: The names of its labels.
    """
    if task == REGRESSION:
        return correlation_scores, "pearson"
    if task != TOKEN_CLASSIFICATION:
        return classification_scores, "accuracy"
    if all(map(ENTITY_TAG.fullmatch, names or ())) and any(name.startswith("B-") for name in names or ()):
        return _entities_and_tags, "entity_f1"
    return tag_scores, "accuracy"


def _entities_and_tags(predictions: Sequence[Any], references: Sequence[Any]) -> dict[str, float]:
    return entity_scores(predictions, references) | tag_scores(predictions, references)


def _tagging(config: DistillationConfig) -> bool:
    return config.task == TOKEN_CLASSIFICATION


# ---- What stands in the data ----


def _columns(config: DistillationConfig, train: Dataset) -> Columns:
    return find_columns(
        train.column_names,
        tagging=_tagging(config),
        regression=config.task == REGRESSION,
        label_column=config.label_column,
        words_column=config.words_column,
        text_column=config.text_column,
        second_text_column=config.second_text_column,
    )


def _guessed(columns: Columns) -> str:
    told = ", ".join(f"{key}: {name}" for key, name in (columns.guessed or {}).items())
    return f"Columns taken by their names: {told}."


def _read_part(
    config: DistillationConfig, dataset: Dataset, columns: Columns, part: str, speakers: Sequence[str]
) -> dict[str, list[Any]]:
    inputs: dict[str, list[Any]] = {
        **read_inputs(dataset, columns, part),
        **read_speakers(dataset, part, speakers),
    }
    label = str(columns.label)
    if label not in dataset.column_names:
        return inputs | {"labels": [None] * len(dataset)}

    if _tagging(config):
        labels: list[Any] = read_tags(dataset, label, part, inputs["words"])
    else:
        read = read_numbers if config.task == REGRESSION else read_classes
        labels = read(dataset, label, part)
    return inputs | {"labels": labels}


def _labelled(parts: Parts) -> tuple[Parts, list[str]]:
    """Leave out the parts that were published without labels."""
    found = {part: rows for part, rows in parts.items() if any(label is not None for label in rows["labels"])}
    if TRAIN not in found:
        raise ValueError("The part train has no labels, so there is nothing to learn from. Check the label column.")

    return found, [f"The part {part} has no labels, so it is left out." for part in parts if part not in found]


def _inventory(config: DistillationConfig, parts: Parts, teachers: Sequence[Names]) -> Inventory | None:
    if config.task == REGRESSION:
        return None

    counts = {
        part: Counter(chain.from_iterable(rows["labels"]) if _tagging(config) else rows["labels"])
        for part, rows in parts.items()
    }
    return take_inventory(counts, teachers)


# ---- What is measured on ----


def _with_measured_part(parts: Parts, stratified: bool, seed: int) -> tuple[Parts, str, list[str]]:
    """Say which part is measured on; where there is none but train, hold one out of it."""
    for part in (TEST, VALIDATION):
        if part in parts:
            return parts, part, []

    train = parts[TRAIN]
    labels = train["labels"]
    kinds: Sequence[Any] = labels if stratified else [None] * len(labels)
    kept, held = stratified_split(kinds, HELD_OUT_SHARE, seed)
    if not held:  # of each kind there are too few
        kept, held = stratified_split([None] * len(labels), max(HELD_OUT_SHARE, 1 / max(len(labels), 1)), seed)
    if not kept:
        raise ValueError(
            f"The data have {len(labels)} examples, so none is left to measure on. Give more, or a file for test."
        )

    note = (
        f"There is no part test or validation: {len(held)} of the {len(labels)} examples, drawn by the seed {seed}, "
        "are held out to be measured on."
    )
    split = {
        part: {name: [column[row] for row in rows] for name, column in train.items()}
        for part, rows in ((TRAIN, kept), (VALIDATION, held))
    }
    return split, VALIDATION, [note]


def _dataset(rows: Mapping[str, list[Any]], inventory: Inventory | None, tagging: bool) -> Dataset:
    text = NAMES if tagging else Value("string")
    features: dict[str, Any] = {name: NAMES if name == TAUGHT_BY else text for name in rows if name != "labels"}

    labels = rows["labels"]
    if inventory is None:
        features["labels"] = Value("float32")
    elif tagging:
        features["labels"] = SequenceFeature(Value("int64"))
        labels = [[inventory.number[label] for label in row] for row in labels]
    else:
        features["labels"] = Value("int64")
        labels = [inventory.number[label] for label in labels]
    return Dataset.from_dict({**rows, "labels": labels}, features=Features(features))


def _title(data: str | Mapping[Any, str], part: str) -> str:
    """Return what a part of the data is called: a data set's id, or the last part of a path."""
    source = data if isinstance(data, str) else data[part]
    return Path(source).name if Path(source).exists() else source
