"""What student and teachers answered to the same rows of an evaluation, added up: how sure, how right, how alike."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..whole_file import write_text

FILE = "answers.json"
STUDENT = "student"
BINS = 10
"""So many parts of the confidences from 0 to 1."""


@dataclass
class ComparedAnswers:
    """The answers to one evaluation set, of a task that has one label per row.

    Args:
        labels: Their names, in the order of their ids.
        rows: What a row is: `words` or `examples`.
        confidence: Model (`student`, a teacher's name, `ensemble`) -> for each part of the confidences from 0 to 1:
            how many labelled rows it answered so, the sum of their confidences, and how many answers are right.
        confusion: Teacher or `ensemble` -> `[student's label, teacher's label, rows]`, the most frequent first.
        disagreements: Examples on which the student answers other than a teacher, the farthest first; see
            `Disagreement`.
    """

    labels: Sequence[str]
    rows: str
    confidence: dict[str, list[list[float]]] = field(default_factory=dict)
    confusion: dict[str, list[list[int]]] = field(default_factory=dict)
    disagreements: list["Disagreement"] = field(default_factory=list)

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


@dataclass
class Disagreement:
    """An example on which student and teachers do not agree.

    Args:
        distance: How far they are apart where they are farthest: one minus the probability agreement.
        parts: The text in its order, as `[text, row]`: a word that is disputed with the number of its row, and what
            stands between with None.
        rows: The rows that are disputed: `label` (None where there is none) and `answers`, model -> its label and
            its probability.
    """

    distance: float
    parts: list[list[Any]]
    rows: list[dict[str, Any]]


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
                float(each["distance"]), [[str(text), row] for text, row in each["parts"]], _rows(each["rows"])
            )
            for each in content["disagreements"]
        ],
    )


def _rows(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "label": row["label"],
            "answers": {str(name): [str(label), float(sure)] for name, (label, sure) in row["answers"].items()},
        }
        for row in rows
    ]
