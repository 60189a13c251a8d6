"""Which teachers may speak about which example: named in a column of the data, a mask in a batch."""

import reprlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import datasets
import torch

from ..tokenization.columns import TAUGHT_BY, TEACHER_MASK

ROWS_AT_ONCE = 1_000


@dataclass(frozen=True)
class Routed:
    """A collator whose batches say which teacher may speak about which example, where the data do.

    Args:
        collator: What makes the batches; it never sees the names.
        teachers: The names of all teachers.
    """

    collator: Callable[[list[Any]], Any]
    teachers: Sequence[str]

    def __call__(self, features: list[Any]) -> Any:
        """Make a batch, with `teacher_mask`, bool [batch, teachers], where an example has the column `taught_by`.

        Raises:
            ValueError: The column names somebody who is no teacher.
        """
        if not any(isinstance(feature, Mapping) and TAUGHT_BY in feature for feature in features):
            return self.collator(features)

        mask = [mask_of(feature.get(TAUGHT_BY), self.teachers) for feature in features]
        batch = self.collator([{name: feature[name] for name in feature if name != TAUGHT_BY} for feature in features])
        batch[TEACHER_MASK] = torch.tensor(mask)
        return batch


def mask_of(names: Any, teachers: Sequence[str]) -> list[bool]:
    """Tell which teachers may speak about an example.

    Args:
        names: What its column holds: a list or array of names, or None for all teachers.
        teachers: The names of all teachers.

    Raises:
        ValueError: It is no list of names of teachers.
    """
    if names is None:
        return [True] * len(teachers)

    listed = names.tolist() if hasattr(names, "tolist") else names
    if isinstance(listed, str) or not isinstance(listed, Sequence) or not set(listed) <= set(teachers):
        raise ValueError(
            f"The column '{TAUGHT_BY}' lists in each example which of {[*teachers]} may speak about it, or holds None "
            f"for all of them, but one has {reprlib.repr(names)}: nobody knows who is meant. Correct it, or name the "
            "teachers: Teacher(..., name=...)."
        )
    return [teacher in listed for teacher in teachers]


def expect_routes(dataset: Any, teachers: Sequence[str]) -> None:
    """Refuse a data set that names somebody who is no teacher, as far as it is stored in Arrow.

    Raises:
        ValueError: It does.
    """
    stored = isinstance(dataset, datasets.Dataset) and dataset.format["type"] != "custom"
    if not stored or TAUGHT_BY not in dataset.column_names:
        return

    for batch in dataset.select_columns(TAUGHT_BY).with_format("arrow").iter(ROWS_AT_ONCE):
        for names in batch[TAUGHT_BY].to_pylist():
            mask_of(names, teachers)
