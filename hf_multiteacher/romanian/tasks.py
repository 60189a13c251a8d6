"""The seven Romanian tasks: their table, and a task with its data."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from datasets import DatasetDict

from .datasets import DEFINITIONS
from .definition import Definition


@dataclass(frozen=True)
class Task:
    """A task with its data.

    Attributes:
        definition: What is fixed about the task.
        data: Splits `train`, `validation` and, where it is there, `test`, with the columns of
            `definition.text_columns` and `labels` (`ClassLabel`, one per word or one per example, or a float).
        label_names: Names of the labels in the order of their ids; None for regression.
        unseen: Split -> tags that never occur in `train`, with how often they occur there.
        unknown: Tags that are not among the label names, with how often they were read as `O`.
    """

    definition: Definition
    data: DatasetDict
    label_names: tuple[str, ...] | None
    unseen: dict[str, Counter[str]]
    unknown: Counter[str]

    @property
    def key(self) -> str:
        """Name of the task in commands."""
        return self.definition.key

    @property
    def metric(self) -> str:
        """Name of the main figure."""
        return self.definition.metric

    @property
    def measured_split(self) -> str:
        """The part to measure on: `test`, or `validation` where that is not there."""
        return "test" if "test" in self.data else "validation"

    @property
    def citation(self) -> str:
        """What to cite, and the licence of the data."""
        return f"{self.definition.source.citation} Licence: {self.definition.source.license}."


def definition_of(key: str) -> Definition:
    """Return what is fixed about a task.

    Raises:
        ValueError: There is no such task.
    """
    if key not in DEFINITIONS:
        raise ValueError(f"There is no task '{key}'; the tasks are {', '.join(DEFINITIONS)}.")
    return DEFINITIONS[key]


def definitions_of(keys: Sequence[str]) -> list[Definition]:
    """Return what is fixed about several tasks, each once; of all where `all` is among the keys.

    Raises:
        ValueError: There is no such task.
    """
    named = [definition_of(key) for key in dict.fromkeys(keys) if key != "all"]
    return [*DEFINITIONS.values()] if "all" in keys else named
