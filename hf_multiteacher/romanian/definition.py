"""What is fixed about a task: what it asks, of which data set, with which labels, scores and files."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from .source import Record, Source

Problem = Literal["token-classification", "sequence-classification"]
Splits = dict[str, list[Record]]


@dataclass(frozen=True)
class PredictionFile:
    """The file that a data set's own scorer reads.

    Attributes:
        name: Its name.
        write: Writes it, given its path, the words of each sentence, the predicted tag of each word, and the gold file
            or None as `source`.
    """

    name: str
    write: Callable[..., None]


@dataclass(frozen=True, kw_only=True)
class Definition:
    """What is fixed about a task.

    Attributes:
        key: Its name in commands, such as `ner`.
        source: Data set that it is taken from.
        problem: Head that a model needs.
        text_columns: Columns with the input: `words`, or one or two texts.
        score: Scores of predictions, given predictions and references.
        metric: Main figure, one of those that `score` returns.
        label_names: Label names where they do not depend on the data; regression has none.
        stratum: What kind an example is, given its label: a part that is held out has the same share of each kind.
            None where all are of one kind.
        known_tags: Reads tags that are not among the label names, such as those of an older version; returns the
            splits with tags that are, and how often it had to read one as `O`.
        prediction_file: How predictions are written; None where no scorer reads them.
        published: Published values of `reference.MODELS`, in their order, in percent.
        published_metric: Figure that the published values are of, where that is not `metric`.
    """

    key: str
    source: Source
    problem: Problem
    text_columns: tuple[str, ...]
    score: Callable[[Sequence[Any], Sequence[Any]], dict[str, float]]
    metric: str
    label_names: tuple[str, ...] | None = None
    stratum: Callable[[Any], Any] | None = None
    known_tags: Callable[[Splits], tuple[Splits, Counter[str]]] | None = None
    prediction_file: PredictionFile | None = None
    published: tuple[float, ...] = ()
    published_metric: str | None = None

    @property
    def tagging(self) -> bool:
        """Whether every word has a label."""
        return self.problem == "token-classification"

    @property
    def regression(self) -> bool:
        """Whether the label is a number."""
        return not self.tagging and self.label_names is None

    @property
    def figures(self) -> tuple[str, ...]:
        """The main figure, then the one that the published values are of where that is another."""
        return tuple(dict.fromkeys((self.metric, self.published_metric or self.metric)))
