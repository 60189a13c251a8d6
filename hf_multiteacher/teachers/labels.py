"""Put a teacher's labels into the student's order."""

import logging
from collections.abc import Sequence

import torch
from transformers import PretrainedConfig

from ..models.labels import folded, has_names, label_names

logger = logging.getLogger(__name__)


def align_labels(
    student_config: PretrainedConfig, teacher_config: PretrainedConfig, teacher_name: str
) -> torch.LongTensor | None:
    """Find the teacher's logit for each of the student's labels, by name and whatever the case; see `label_names`.

    Masked language models have no labels and do not come here. One output is a regression: nothing to align.

    Args:
        student_config: Configuration of a sequence or token classification student.
        teacher_config: Configuration of the teacher's model.
        teacher_name: What messages call the teacher.

    Returns:
        An index `[labels]` such that `teacher_logits[..., index]` is in the student's order, or None when it already
        is. When neither side has names (all are `LABEL_0`, `LABEL_1`, ...), the order is trusted, with a warning.

    Raises:
        ValueError: The label sets differ, a name is there twice, only one side has names, a configuration contradicts
            itself, or the two sides are trained for different problem types.
    """
    problems = expect_same_problem(student_config, teacher_config, teacher_name)
    student = label_names(student_config, "the student")
    teacher = label_names(teacher_config, f"teacher '{teacher_name}'")
    if "regression" in problems and len(student) == len(teacher):
        return None

    order = _match(student, teacher) or _match(_folded(student), _folded(teacher))
    if order is None:
        raise ValueError(_refusal(student_config, teacher_config, teacher_name))
    if not has_names(student_config) and not has_names(teacher_config):
        logger.warning(
            "Neither the student nor teacher '%s' names its labels (both have LABEL_0 ... LABEL_%d): they are taken "
            "to be in the same order. Set id2label and label2id on both to have them matched by name.",
            teacher_name,
            len(student) - 1,
        )

    return None if order == sorted(order) else torch.LongTensor(order)


def expect_same_problem(
    student_config: PretrainedConfig, teacher_config: PretrainedConfig, teacher_name: str
) -> tuple[str | None, str | None]:
    """Refuse a teacher whose outputs mean something else than the student's.

    Args:
        student_config: Configuration of the student.
        teacher_config: Configuration of the teacher's model.
        teacher_name: What messages call the teacher.

    Returns:
        The problem types of the two, as far as they are known.

    Raises:
        ValueError: They differ.
    """
    problems = _problem_type(student_config), _problem_type(teacher_config)
    if None not in problems and problems[0] != problems[1]:
        raise ValueError(
            f"Teacher '{teacher_name}' must solve the student's problem type {problems[0]}, but it is a model for "
            f"{problems[1]}: their outputs cannot be compared. Use a teacher for {problems[0]}, or set "
            "config.problem_type where it is wrong."
        )

    return problems


def _problem_type(config: PretrainedConfig) -> str | None:
    """Return the problem type; transformers takes a single output for a regression when none is set."""
    return config.problem_type or ("regression" if config.num_labels == 1 else None)


def _folded(names: Sequence[str]) -> list[str]:
    return [folded(name) for name in names]


def _match(student: Sequence[str], teacher: Sequence[str]) -> list[int] | None:
    """Return the teacher's position of each of the student's names, or None unless they are the same set."""
    positions = {name: position for position, name in enumerate(teacher)}
    if len(positions) != len(teacher) or sorted(student) != sorted(teacher):
        return None
    return [positions[name] for name in student]


def _refusal(student_config: PretrainedConfig, teacher_config: PretrainedConfig, teacher_name: str) -> str:
    student, teacher = label_names(student_config), label_names(teacher_config)

    advice = (
        "Use a teacher for the student's labels, set id2label and label2id where only the names differ, or have it "
        "speak over those that both have: partial_labels=True."
    )
    if len(student) == len(teacher) and has_names(student_config) != has_names(teacher_config):
        side = f"teacher '{teacher_name}'" if has_names(student_config) else "the student"
        advice = f"Only one side has label names: set id2label and label2id in the config of {side}, in its own order."

    return (
        f"Teacher '{teacher_name}' must have the student's labels, each once, in any order, but the student has "
        f"{student} and the teacher has {teacher}: its logits would be read as other labels. {advice}"
    )
