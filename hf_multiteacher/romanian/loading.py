"""`load_task`: a Romanian task as a `DatasetDict` with its labels."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from datasets import ClassLabel, Dataset, DatasetDict, Features, Value
from datasets import Sequence as SequenceFeature

from .definition import Definition, Splits
from .normalization import normalize as normalize_text
from .source import Record
from .splits import read_splits, stratified_split
from .tasks import Task, definition_of

VALIDATION_SHARE = 0.15


def _hold_out(definition: Definition, splits: Splits, seed: int) -> Splits:
    """Take a stratified validation part from the training part where the data set has none."""
    if "validation" in splits:
        return splits

    train, stratum = splits["train"], definition.stratum
    kinds = [stratum(record[definition.key]) if stratum else None for record in train]
    kept, held = stratified_split(kinds, VALIDATION_SHARE, seed)
    return splits | {"train": [train[row] for row in kept], "validation": [train[row] for row in held]}


def _tag_inventory(definition: Definition, splits: Splits) -> tuple[str, ...]:
    """Tags of all splits, sorted, so that every split can be labelled."""
    tags = {split: {tag for record in records for tag in record[definition.key]} for split, records in splits.items()}

    if untagged := [split for split, found in tags.items() if found == {"_"}]:
        raise ValueError(
            f"{definition.key} expects a tag for every word of {definition.source.title}, but all those of "
            f"{', '.join(untagged)} are `_`, so there is nothing to learn or to measure. Use files that are tagged."
        )
    return tuple(sorted(set().union(*tags.values())))


def count_labels(definition: Definition, records: list[Record]) -> Counter[str]:
    """How often each label occurs; for tagging, on how many words; for regression, none."""
    if definition.regression:
        return Counter()
    if definition.tagging:
        return Counter(tag for record in records for tag in record[definition.key])
    return Counter(str(record[definition.key]) for record in records)


def unseen_labels(definition: Definition, splits: Splits) -> dict[str, Counter[str]]:
    """Labels of each split that never occur in `train`, with how often they occur there."""
    if definition.regression:
        return {}

    seen = count_labels(definition, splits["train"])
    counts = {split: count_labels(definition, records) for split, records in splits.items() if split != "train"}
    return {split: Counter({n: c for n, c in count.items() if n not in seen}) for split, count in counts.items()}


def _features(definition: Definition, names: tuple[str, ...] | None) -> Features:
    columns: dict[str, Any] = {column: Value("string") for column in definition.text_columns}
    if names is None:
        return Features(columns | {"labels": Value("float32")})

    label = ClassLabel(names=list(names))
    if definition.tagging:
        return Features({"words": SequenceFeature(Value("string")), "labels": SequenceFeature(label)})
    return Features(columns | {"labels": label})


def _dataset(
    definition: Definition, records: list[Record], names: tuple[str, ...] | None, clean: Callable[[str], str]
) -> Dataset:
    def text(value: Any) -> Any:
        """A text or a list of words, cleaned."""
        return clean(value) if isinstance(value, str) else [clean(word) for word in value]

    columns = {column: [text(record[column]) for record in records] for column in definition.text_columns}

    targets = [record[definition.key] for record in records]
    if names is not None:
        ids = {name: number for number, name in enumerate(names)}
        targets = [[ids[tag] for tag in value] if definition.tagging else ids[value] for value in targets]
    return Dataset.from_dict(columns | {"labels": targets}, features=_features(definition, names))


def load_task(key: str, data_dir: str | Path | None = None, *, normalize: bool = True, seed: int = 0) -> Task:
    """Load one of the seven Romanian tasks.

    Args:
        key: `upos`, `xpos`, `ner`, `sapn`, `sar`, `di` or `sts`.
        data_dir: Folder with the original distribution files, or a folder that holds the folders `rrt`, `ronec`,
            `laroseda`, `moroco`, `ro_sts`; None downloads them once; `synthetic` generates a corpus at once.
        normalize: Replace cedilla by comma below and compose characters (NFC).
        seed: Which rows are held out where the data set has no validation part (15 %, stratified by label).

    Returns:
        The task with its `DatasetDict`, label names, metric and citation. Rows keep the order of the files.

    Raises:
        ValueError: There is no such task, a file is damaged (the message names file and line) or has no tags.
        FileNotFoundError: The folder does not hold the data set.
        OSError: The download failed.

    Example:
        >>> task = load_task("di", "synthetic")
        >>> task.label_names, task.metric, task.data["train"].num_rows
        (('Moldavian', 'Romanian'), 'macro_f1', 2000)
    """
    definition = definition_of(key)
    splits = _hold_out(definition, read_splits(definition.source, data_dir), seed)

    names, unknown = definition.label_names, Counter[str]()
    if definition.known_tags:
        splits, unknown = definition.known_tags(splits)
    elif definition.tagging and names is None:
        names = _tag_inventory(definition, splits)

    clean = normalize_text if normalize else str
    data = {split: _dataset(definition, records, names, clean) for split, records in splits.items()}
    return Task(definition, DatasetDict(data), names, unseen_labels(definition, splits), unknown)
