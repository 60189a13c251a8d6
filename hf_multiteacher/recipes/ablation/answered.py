"""What models answer to the examples that are measured, as arrays: small enough to keep, enough to compare by."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...teachers.ensemble import ENSEMBLE
from ..data.task_data import TaskData
from ..results.figures import STUDENT

GOLD = "gold"
NAMES, LENGTHS = "names", "lengths"
RESERVED = (GOLD, NAMES, LENGTHS, STUDENT, ENSEMBLE)
"""What is kept beside the answers of teachers, under their names."""


@dataclass(frozen=True)
class Answered:
    """The answers of all models to the same examples.

    Attributes:
        answers: `gold` or a model -> a label's number for each example, or for each word of all; numbers in
            regression.
        names: The labels' names, by number; None in regression.
        lengths: Words of each example, in tagging.
    """

    answers: Mapping[str, np.ndarray]
    names: np.ndarray | None = None
    lengths: np.ndarray | None = None

    @classmethod
    def of(cls, task: TaskData, answers: Mapping[str, Sequence[Any]]) -> "Answered":
        """Take what an evaluation has kept.

        Args:
            task: The task; its test part is what was measured.
            answers: Model -> names of labels, one or a list for each example, or numbers.
        """
        gold = task.test["labels"][:]
        if task.label_names is None:
            named = {GOLD: gold, **answers}
            return cls({owner: np.asarray(each, np.float32) for owner, each in named.items()})

        number = {name: place for place, name in enumerate(task.label_names)}
        numbers = {GOLD: _flat(gold, task.tagging)}
        for owner, each in answers.items():
            numbers[owner] = [number[name] for name in _flat(each, task.tagging)]

        lengths = np.array([len(row) for row in gold]) if task.tagging else None
        kept = {owner: np.asarray(each, np.int16) for owner, each in numbers.items()}
        return cls(kept, np.array(task.label_names), lengths)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "Answered":
        """Take what `arrays` gave."""
        answers = {name: array for name, array in arrays.items() if name not in (NAMES, LENGTHS)}
        return cls(answers, arrays.get(NAMES), arrays.get(LENGTHS))

    def numbered_by_name(self) -> "Answered":
        """Number the labels in the order of their names, whatever the order in which teachers have them."""
        if self.names is None:
            return self

        order = self.names.argsort()
        number = order.argsort()
        answers = {owner: number[each] for owner, each in self.answers.items()}
        return Answered(answers, self.names[order], self.lengths)

    def has_labels_of(self, other: "Answered") -> bool:
        """Tell whether the examples of another, whose labels are numbered alike, have the same ones one by one."""
        pairs: Any = ((self.arrays.get(name), other.arrays.get(name)) for name in (GOLD, NAMES, LENGTHS))
        return all(np.array_equal(mine, theirs) for mine, theirs in pairs)

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """All of it, by name, to be kept."""
        more = {NAMES: self.names, LENGTHS: self.lengths}
        return {**self.answers, **{name: array for name, array in more.items() if array is not None}}

    @property
    def examples(self) -> int:
        """How many there are."""
        return len(self.answers[GOLD] if self.lengths is None else self.lengths)

    def half(self, half: int | None) -> "Answered":
        """Take every second example, from the first (1) or the second (2) on; all of them where it is None."""
        if half is None:
            return self

        chosen = np.arange(self.examples) % 2 == half - 1
        rows = chosen if self.lengths is None else np.repeat(chosen, self.lengths)
        answers = {owner: each[rows] for owner, each in self.answers.items()}
        return Answered(answers, self.names, None if self.lengths is None else self.lengths[chosen])


def _flat(values: Sequence[Any], tagging: bool) -> list[Any]:
    return [each for row in values for each in row] if tagging else [*values]
