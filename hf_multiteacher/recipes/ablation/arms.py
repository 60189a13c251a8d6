"""The keys of every cell: those that all share, those of its task, and those of its arm."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from transformers import TrainingArguments

from ...training_args import objective_arguments
from ..configuration.configuration import defaults_for
from .configuration import OWN_KEYS_OF_CELLS, AblationConfig, Keys, declared

UNLABELLED = ("unlabelled", "unlabelled_rows")
OF_TRAININGS = {each.name for each in fields(TrainingArguments)}
OF_TEACHING = {*objective_arguments(), *UNLABELLED, "calibrate_teachers", "teachers"} - OF_TRAININGS
OF_STUDENTS = ("student", "teacher_", "report_")


@dataclass(frozen=True)
class Arm:
    """One way to train the student, in one task.

    Attributes:
        task: The task.
        name: Its name.
        follows: The names of the teachers that the student follows.
        keys: Those of its distillations, but for the teachers' folders, the seed and the output folder.
    """

    task: str
    name: str
    follows: tuple[str, ...]
    keys: Keys


def arms_of(config: AblationConfig, shared: Keys, tasks: Mapping[str, Keys]) -> list[Arm]:
    """Make every arm of every task.

    Args:
        config: The ablation.
        shared: The keys that hold for all arms.
        tasks: The tasks, with the keys that are their own.

    Raises:
        ValueError: A key is unknown or does not fit, or an arm cannot be had.
    """
    return [_arm(config, task, name, {**shared, **own}) for task, own in tasks.items() for name in config.keys_of_arms]


def teachers_arm(task: str, keys: Keys, fine_tuning: Keys) -> Arm:
    """Return how the teachers learn a task: its data and the training, and nothing of students and objectives.

    Args:
        task: The task.
        keys: Those that hold for all arms, and those of the task.
        fine_tuning: Those that hold while teachers learn.

    Raises:
        ValueError: A key is unknown or does not fit.
    """
    own = declared("fine_tuning", fine_tuning, OWN_KEYS_OF_CELLS)
    if unheard := [key for key in own if key in OF_TEACHING or key.startswith(OF_STUDENTS)]:
        raise ValueError(
            f"fine_tuning has the key '{unheard[0]}', which means nothing while a teacher learns a task from labels. "
            "Leave it out."
        )
    kept = {key: value for key, value in _without_teachers(keys).items() if not key.startswith(OF_STUDENTS)}
    keys = {**kept, **own, "task": task}
    return Arm(task, "teachers", (), {**defaults_for(keys), **keys})


def training_of(arm: Arm) -> Keys:
    """Return the keys of an arm that are `TrainingArguments`, which all tasks and objectives may share."""
    return {key: value for key, value in arm.keys.items() if key in OF_TRAININGS}


def _arm(config: AblationConfig, task: str, name: str, shared: Keys) -> Arm:
    given = dict(config.keys_of_arms[name])
    follows = tuple(given.pop("teachers", config.sources))
    keys = {**shared, **declared(f"The arm '{name}'", given, OWN_KEYS_OF_CELLS)}

    keys = _alone(keys) if not follows else _following(name, keys, [*config.sources], follows)
    return Arm(task, name, follows, {**defaults_for(keys), **keys})


def _alone(keys: Keys) -> Keys:
    return {**_without_teachers(keys), "soft_target_weight": 0.0, "hard_label_weight": 1.0}


def _without_teachers(keys: Keys) -> Keys:
    """Leave out what only teachers give a meaning: the objective, calibration, and examples without labels."""
    kept = {key: value for key, value in keys.items() if key not in OF_TEACHING}
    return kept | ({"unlabelled_rows": 0} if kept.get("labelled_rows") else {})


def _following(name: str, keys: Keys, teachers: Sequence[str], follows: Sequence[str]) -> Keys:
    """Give the teachers that the student does not follow the weight 0: they are measured beside it all the same."""
    if {*follows} == {*teachers} and not keys.get("teacher_weights"):
        return keys

    weights = dict(zip(follows, _weights(name, keys, follows), strict=True))
    return keys | {"teacher_weights": [weights.get(teacher, 0.0) for teacher in teachers]}


def _weights(name: str, keys: Mapping[str, Any], follows: Sequence[str]) -> list[float]:
    weights: list[float] = keys.get("teacher_weights") or [1.0] * len(follows)
    if len(weights) != len(follows):
        raise ValueError(
            f"The arm '{name}' follows {', '.join(follows)}, but its teacher_weights are {weights}. Give one for each "
            "of these, in their order, or leave them out."
        )
    return weights
