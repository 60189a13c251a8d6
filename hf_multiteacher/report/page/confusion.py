"""Which answers of a teacher meet which of the student, as a table."""

from collections.abc import Sequence
from typing import NamedTuple

MOST_LABELS = 8
MOST_PAIRS = 10


class Cell(NamedTuple):
    """How often a pair of answers occurs.

    Attributes:
        rows: How often.
        share: Of all rows with this answer of the teacher.
        agree: Whether both answers are the same.
    """

    rows: int
    share: float
    agree: bool


class Confusion(NamedTuple):
    """The answers of the student beside those of a teacher.

    Attributes:
        teacher: Its name.
        labels: Those that occur; none where there are too many for a table.
        cells: A line for each answer of the student, a cell for each of the teacher; none likewise.
        pairs: The most frequent pairs of different answers: the student's, the teacher's, how often.
        apart: On how many rows they differ.
        of: How many rows there are.
    """

    teacher: str
    labels: list[str]
    cells: list[list[Cell]]
    pairs: list[tuple[str, str, int]]
    apart: int
    of: int


def confusion(teacher: str, pairs: Sequence[Sequence[int]], labels: Sequence[str]) -> Confusion:
    """Lay out the pairs of answers.

    Args:
        teacher: Whose answers are beside the student's.
        pairs: `[student's label, teacher's label, rows]`, the most frequent first.
        labels: The names of the labels.
    """
    found = {(student, other): rows for student, other, rows in pairs}
    present = sorted({label for pair in found for label in pair})
    apart = [(labels[student], labels[other], rows) for student, other, rows in pairs if student != other]
    few = len(present) <= MOST_LABELS

    return Confusion(
        teacher,
        [labels[label] for label in present] if few else [],
        _cells(found, present) if few else [],
        [] if few else apart[:MOST_PAIRS],
        sum(rows for _, _, rows in apart),
        sum(found.values()),
    )


def _cells(found: dict[tuple[int, int], int], present: Sequence[int]) -> list[list[Cell]]:
    totals = {other: sum(found.get((student, other), 0) for student in present) for other in present}
    return [
        [
            Cell(
                rows := found.get((student, other), 0),
                rows / totals[other] if totals[other] else 0.0,
                student == other,
            )
            for other in present
        ]
        for student in present
    ]
