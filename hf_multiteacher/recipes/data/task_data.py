"""A task on labelled data: what is learned from, what is measured on, and how; the user's own, or a Romanian one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from datasets import Dataset, Features, Value
from datasets import Sequence as SequenceFeature

from ...romanian.tasks import Task
from ...tokenization.columns import TAUGHT_BY

NAMES = SequenceFeature(Value("string"))
"""The type of a column of lists of words, or of teachers' names."""
Score = Callable[[Sequence[Any], Sequence[Any]], dict[str, float]]


@dataclass(frozen=True, kw_only=True)
class TaskData:
    """A task with its data, before anything is encoded.

    Attributes:
        train: Columns `labels` and `words` (tagging), `text`, or `text` and `text_pair`; and `taught_by`, where the
            data say which teachers may speak about an example.
        test: The same, to be measured on.
        part: What messages call the part that is measured.
        label_names: The names of the labels, by number; None for regression.
        score: Scores of predictions, given predictions and references.
        metric: The main one of them.
        title: What the data are called that are learned from.
        measured_title: What those are called that are measured on.
        citation: What to cite, if anything.
        notes: What the user should know of the data, a sentence each.
        columns: What was guessed: key of a configuration -> column.
        validation: The same as `test`, to be evaluated on during a training; None where nothing is left for it.
        held_out: Whether what is measured on was drawn from train, as the data have no part for it.
    """

    train: Dataset
    test: Dataset
    part: str
    label_names: Sequence[str] | None
    score: Score
    metric: str
    title: str
    measured_title: str
    citation: str | None = None
    notes: Sequence[str] = ()
    columns: Mapping[str, str] = field(default_factory=dict)
    validation: Dataset | None = None
    held_out: bool = False

    @classmethod
    def of(cls, task: Task) -> "TaskData":
        """Take a Romanian task, measured on its test part or, where that is not there, on its validation part."""
        definition, part = task.definition, task.measured_split
        return cls(
            train=task.data["train"],
            test=task.data[part],
            part=part,
            label_names=task.label_names,
            score=definition.score,
            metric=definition.metric,
            title=definition.source.title,
            measured_title=definition.source.title,
            citation=task.citation,
            validation=task.data["validation"] if part != "validation" else None,
        )

    @property
    def measured(self) -> str:
        """How many examples are measured on, and which."""
        return f"{len(self.test)} examples {'held out of train' if self.held_out else f'({self.part})'}"

    @property
    def tagging(self) -> bool:
        """Whether every word has a label."""
        return "words" in self.train.column_names

    @property
    def features(self) -> Features:
        """The types of what is read and of the labels; a label is a number, or one per word."""
        text = NAMES if self.tagging else Value("string")
        label = Value("float32" if self.label_names is None else "int64")
        labels = SequenceFeature(label) if self.tagging else label
        return Features({**dict.fromkeys(self.inputs, text), "labels": labels})

    @property
    def inputs(self) -> list[str]:
        """The columns that are read."""
        return [name for name in self.train.column_names if name not in ("labels", TAUGHT_BY)]
