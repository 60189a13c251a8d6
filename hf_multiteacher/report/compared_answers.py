"""What student and teachers answered to the same rows of an evaluation, added up: how sure, how right, how alike."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any

from ..whole_file import write_text

FILE = "answers.json"
STUDENT = "student"
BINS = 10
"""So many parts of the confidences from 0 to 1."""


@dataclass
class Numbers:
    """What models answered to a sample of the examples of a regression; None where there is nothing.

    Args:
        of: How many answers there were, of which these are a sample.
        labels: The numbers of the data.
        said: Model -> its numbers, in the order of the labels.
    """

    of: int
    labels: list[float | None]
    said: dict[str, list[float | None]]


@dataclass
class Disagreement:
    """An example on which student and teachers do not agree.

    Args:
        distance: How far they are apart where they are farthest: one minus the probability agreement, the difference
            of two numbers or, of words, that of the probabilities of one of the two answers.
        parts: The text in its order, as `[text, row]`: a word that is disputed with the number of its row, and what
            stands between with None. Where two of the latter follow each other, they are the two texts of a pair.
        rows: What is disputed: `about` (one of several labels; else empty), `label` (None where there is none) and
            `answers`, model -> its answer, how probable it is (None of a number) and whether it is right (None where
            nobody knows).
    """

    distance: float
    parts: list[list[Any]]
    rows: list[dict[str, Any]]


@dataclass
class ComparedAnswers:
    """The answers to one evaluation set.

    Args:
        labels: Their names, in the order of their ids; none of a vocabulary.
        rows: What was answered to: `words`, `examples`, `labels of examples`, `masked words`.
        confidence: Model (`student`, a teacher's name, `ensemble`) -> for each part of the confidences from 0 to 1:
            how many labelled rows it answered so, the sum of their confidences, and how many answers are right.
        confusion: Teacher or `ensemble` -> `[student's label, teacher's label, rows]`, the most frequent first; of
            tasks with one label per row.
        disagreements: Examples on which the student answers other than a teacher, the farthest first; see
            `Disagreement`.
        by_label: Teacher or `ensemble` -> for each label, to how many examples both give it, the student alone, the
            teacher alone, neither; of tasks with several labels per example.
        numbers: A sample of the answers of a regression.
    """

    labels: Sequence[str]
    rows: str
    confidence: dict[str, list[list[float]]] = field(default_factory=dict)
    confusion: dict[str, list[list[int]]] = field(default_factory=dict)
    disagreements: list[Disagreement] = field(default_factory=list)
    by_label: dict[str, list[list[int]]] = field(default_factory=dict)
    numbers: Numbers | None = None

    def write(self, folder: str | Path) -> Path:
        """Write them as `answers.json`."""
        return write_text(Path(folder, FILE), f"{json.dumps(asdict(self), ensure_ascii=False, allow_nan=False)}\n")

    @classmethod
    def read(cls, path: Path) -> "ComparedAnswers":
        """Read what `write` has written.

        Raises:
            ValueError: It is something else.
        """
        try:
            return _from_json(json.loads(path.read_text("utf-8")))
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"{path} does not hold what a run writes there ({type(error).__name__}: {error}), so nobody can tell "
                "what the models answered. Take the file away, and the report leaves it out."
            ) from error


def _from_json(content: dict[str, Any]) -> ComparedAnswers:
    """Make sure of every part of a file."""
    labels = [str(label) for label in content["labels"]]
    confusion = {
        name: [[int(each) for each in pair] for pair in pairs] for name, pairs in content["confusion"].items()
    }
    for student, teacher, _ in (pair for pairs in confusion.values() for pair in pairs):
        labels[student], labels[teacher]

    return ComparedAnswers(
        labels,
        str(content["rows"]),
        {
            name: [[float(rows), float(sure), float(right)] for rows, sure, right in bins]
            for name, bins in content["confidence"].items()
        },
        confusion,
        [
            Disagreement(
                float(each["distance"]), [[str(text), row] for text, row in each["parts"]], [*map(_row, each["rows"])]
            )
            for each in content["disagreements"]
        ],
        {name: _by_label(rows, labels) for name, rows in content["by_label"].items()},
        None if content["numbers"] is None else _numbers(content["numbers"]),
    )


def _row(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "about": str(row["about"]),
        "label": None if row["label"] is None else str(row["label"]),
        "answers": {
            str(name): [str(answer), _optional(sure), None if right is None else bool(right)]
            for name, (answer, sure, right) in row["answers"].items()
        },
    }


def _by_label(rows: list[Any], labels: list[str]) -> list[list[int]]:
    return [
        [int(both), int(student), int(teacher), int(neither)]
        for (both, student, teacher, neither), _ in zip(rows, labels, strict=True)
    ]


def _numbers(content: dict[str, Any]) -> Numbers:
    labels = [*map(_optional, content["labels"])]
    said = {str(name): [*map(_optional, row)] for name, row in content["said"].items()}
    for row in said.values():
        [*zip(labels, row, strict=True)]
    return Numbers(int(content["of"]), labels, said)


def _optional(value: Any) -> float | None:
    """Make sure that something is a number with a place in a picture, or nothing.

    Raises:
        ValueError: It is NaN or infinite.
    """
    number = None if value is None else float(value)
    if number is not None and not isfinite(number):
        raise ValueError(f"{number} is no answer")
    return number
