"""What a student and a teacher share of labels that only overlap."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import PretrainedConfig

from ..models.labels import folded, has_names, label_names
from .labels import expect_same_problem

logger = logging.getLogger(__name__)
OUTSIDE = "o"
"""The tag of a word that is none of what a tagger looks for, folded: `O` of another tagger means another set."""


@dataclass(frozen=True)
class SharedLabels:
    """Labels of both sides as outcomes that the two share.

    Args:
        student: The outcome of each of the student's labels, int64 [labels]; 0 is "other".
        teacher: Likewise of the teacher's.
        count: Number of outcomes.
    """

    student: Tensor
    teacher: Tensor
    count: int


def share_labels(
    student_config: PretrainedConfig, teacher_config: PretrainedConfig, teacher_name: str, *, tagging: bool
) -> SharedLabels | None:
    """Match the labels that both sides name, and take all others for "other"; a warning says which.

    In tagging, `O` is "other" too: it means "none of those that I know", which are not the same on both sides.

    Args:
        student_config: Configuration of a student whose labels exclude one another.
        teacher_config: Configuration of the teacher's model.
        teacher_name: What messages call the teacher.
        tagging: Whether words are labelled.

    Returns:
        None where the labels are the same, or one side does not name them: see `align_labels`.

    Raises:
        ValueError: No label is on both sides, or the two are trained for different problem types.
    """
    expect_same_problem(student_config, teacher_config, teacher_name)
    names = label_names(student_config, "the student"), label_names(teacher_config, f"teacher '{teacher_name}'")
    if not (has_names(student_config) and has_names(teacher_config)):
        return None
    student, teacher = _comparable(*names)
    if sorted(student) == sorted(teacher):
        return None

    shared = [name for name in student if name in teacher and not (tagging and folded(name) == OUTSIDE)]
    if not shared:
        raise ValueError(
            f"partial_labels has a teacher speak over the labels that it shares with the student, but teacher "
            f"'{teacher_name}' has {names[1]} and the student has {names[0]}: there is none, so it could say nothing. "
            "Use another teacher, or set id2label and label2id where only the names differ."
        )

    _tell(teacher_name, shared, *names)
    number = {name: outcome for outcome, name in enumerate(shared, 1)}
    ours, theirs = (torch.tensor([number.get(name, 0) for name in side]) for side in (student, teacher))
    return SharedLabels(ours, theirs, len(shared) + 1)


def _comparable(student: Sequence[str], teacher: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the names as they are compared: whatever their case, unless some differ by that alone."""
    keys: list[Callable[[str], str]] = [folded, str]
    alone = (key for key in keys if all(len({*map(key, side)}) == len(side) for side in (student, teacher)))
    key = next(alone, str)
    return [*map(key, student)], [*map(key, teacher)]


def _tell(teacher_name: str, shared: Sequence[str], student: Sequence[str], teacher: Sequence[str]) -> None:
    known = {folded(name) for name in shared}
    others = [[name for name in side if folded(name) not in known] for side in (student, teacher)]
    logger.warning(
        "Teacher '%s' shares %d of the student's %d labels: it speaks over %s. Of the student's, %s are other to it; "
        "of its own, %s.",
        teacher_name,
        len(shared),
        len(student),
        [name for name in student if folded(name) in known],
        others[0],
        others[1],
    )
