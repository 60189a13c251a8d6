"""What decides the course of a training beside its objective: the examples and their order, and the optimizer."""

import hashlib
import json
from collections.abc import Collection
from typing import Any

from datasets import Dataset
from transformers import TrainingArguments

SETTINGS = (
    "seed",
    "data_seed",
    "train_sampling_strategy",
    "optim",
    "learning_rate",
    "lr_scheduler_type",
    "weight_decay",
    "adam_beta1",
    "adam_beta2",
    "adam_epsilon",
)
"""A resume takes the optimizer's from the checkpoint whatever the arguments say; another seed is another order."""


def course_of(args: TrainingArguments, dataset: Any, columns: Collection[str]) -> dict[str, Any]:
    """Tell what must be the same where a training goes on.

    Args:
        args: The training's.
        dataset: What it trains on.
        columns: Those of it that are read.
    """
    settings = {name: getattr(args, name) for name in SETTINGS}
    plain = {name: getattr(value, "value", value) for name, value in settings.items()}
    return plain | {"train_dataset": _told(dataset, columns)}


def _told(dataset: Any, columns: Collection[str]) -> str | None:
    """Tell one stored data set from another by its number of examples, and its first, middle and last one.

    None is told of a stream, or of what may give other examples each time.
    """
    if not isinstance(dataset, Dataset) or dataset.format["type"] == "custom" or not len(dataset):
        return None

    read = dataset.with_format(None).select_columns([name for name in dataset.column_names if name in columns])
    some = [read[row] for row in sorted({0, len(read) // 2, len(read) - 1})]
    digest = hashlib.sha256(json.dumps(some, sort_keys=True, default=str).encode()).hexdigest()
    return f"{len(read)} examples, sha256:{digest[:16]}"
