"""The seven Romanian tasks: what they ask, from which data set, with which labels and metric."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from datasets import DatasetDict

from .sources import SOURCES, Source

Problem = Literal["token-classification", "sequence-classification"]
_ENTITIES = (
    "PERSON ORG GPE LOC NAT_REL_POL EVENT LANGUAGE WORK_OF_ART DATETIME PERIOD MONEY QUANTITY NUMERIC ORDINAL FACILITY"
).split()
ENTITY_TAGS = ("O", *(f"{prefix}-{entity}" for entity in _ENTITIES for prefix in "BI"))


@dataclass(frozen=True)
class Definition:
    """What is fixed about a task.

    Attributes:
        key: Its name in commands, such as `ner`.
        source: Data set that it is taken from.
        problem: Head that a model needs.
        metric: Main figure, one of those that the task's metrics return.
        text_columns: Columns with the input: `words`, or one or two texts.
        label_names: Label names where they do not depend on the data; regression has none.
    """

    key: str
    source: Source
    problem: Problem
    metric: str
    text_columns: tuple[str, ...]
    label_names: tuple[str, ...] | None = None


_WORDS, _TEXT, _PAIR = ("words",), ("text",), ("text", "text_pair")
DEFINITIONS = {
    definition.key: definition
    for definition in (
        Definition("upos", SOURCES["rrt"], "token-classification", "accuracy", _WORDS),
        Definition("xpos", SOURCES["rrt"], "token-classification", "accuracy", _WORDS),
        Definition("ner", SOURCES["ronec"], "token-classification", "entity_f1", _WORDS, ENTITY_TAGS),
        Definition(
            "sapn", SOURCES["laroseda"], "sequence-classification", "accuracy", _PAIR, ("negative", "positive")
        ),
        Definition("sar", SOURCES["laroseda"], "sequence-classification", "macro_f1", _PAIR, ("1", "2", "4", "5")),
        Definition("di", SOURCES["moroco"], "sequence-classification", "macro_f1", _TEXT, ("Moldavian", "Romanian")),
        Definition("sts", SOURCES["ro_sts"], "sequence-classification", "pearson", _PAIR),
    )
}


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
    """Return what is fixed about several tasks, each once; of all seven where `all` is among the keys.

    Raises:
        ValueError: There is no such task.
    """
    named = [definition_of(key) for key in dict.fromkeys(keys) if key != "all"]
    return [*DEFINITIONS.values()] if "all" in keys else named
