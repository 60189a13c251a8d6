"""Which labels student and teacher give to the same examples, where an example may have several."""

from collections.abc import Sequence
from typing import NamedTuple

MOST_LABELS = 10


class LabelTable(NamedTuple):
    """The labels of the student beside those of a teacher.

    Attributes:
        teacher: Its name.
        rows: The labels on which they differ most: the name, and how many examples have it of the student alone, of
            the teacher alone, of both.
        apart: How often one of them alone gives a label.
        of: How often they were asked.
    """

    teacher: str
    rows: list[tuple[str, int, int, int]]
    apart: int
    of: int


def label_table(teacher: str, counts: Sequence[Sequence[int]], labels: Sequence[str]) -> LabelTable:
    """Lay out the labels, those on which they differ most first.

    Args:
        teacher: Whose labels are beside the student's.
        counts: For each label, how many examples have it of both, of the student alone, of the teacher alone, of
            neither.
        labels: Their names.
    """
    rows = [
        (label, student, other, both)
        for label, (both, student, other, _) in zip(labels, counts, strict=True)
        if both + student + other
    ]
    rows.sort(key=lambda row: -(row[1] + row[2]))

    apart = sum(student + other for _, student, other, _ in rows)
    return LabelTable(teacher, rows[:MOST_LABELS], apart, sum(map(sum, counts)))
