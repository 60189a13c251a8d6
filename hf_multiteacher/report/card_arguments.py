"""The arguments of a run that a card lists: those that had an effect."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from transformers import TrainingArguments

from ..losses.problem import Problem
from ..models.task import Task

# They stand with the teachers, or change no training; a folder is nobody's business.
NO_OBJECTIVE = (
    *("teachers", "teacher_weights", "report_loyalty", "report_speed"),
    *("teacher_cache", "teacher_cache_dtype", "teacher_device"),
)
OPTIMIZER = (
    "learning_rate",
    "lr_scheduler_type",
    "warmup_steps",
    "optim",
    "adam_beta1",
    "adam_beta2",
    "adam_epsilon",
    "weight_decay",
    "max_grad_norm",
    "per_device_train_batch_size",
    "gradient_accumulation_steps",
    "num_train_epochs",
    "max_steps",
    "label_smoothing_factor",
    "bf16",
    "fp16",
    "seed",
)
TERMS = {
    "soft_target_weight": "soft_target_weight * T² * KL(teachers || student)",
    "hard_label_weight": "hard_label_weight * hard loss",
    "hidden_state_weight": "hidden_state_weight * (1 - cosine)",
}
IN_REGRESSION = {"soft_target_weight": "soft_target_weight * (teachers - student)²"}
"""What stands there where there are no probabilities to diverge."""


def shown_arguments(
    arguments: Mapping[str, Any], task: Task, teachers: int, problem: Problem | None = None
) -> dict[str, Any]:
    """Choose the arguments to list: objective and optimizer, without what is off, or without effect in this run.

    Args:
        arguments: `DistillationTrainingArguments.to_dict()`.
        task: The student's.
        teachers: How many there are.
        problem: What a sequence classifier's logits mean.
    """
    silent = _without_effect(arguments, task, teachers) | ({"temperature"} if problem == "regression" else set())
    named = {name: arguments.get(name) for name in (*_objective_of(arguments), *OPTIMIZER) if name not in silent}
    return {name: value for name, value in named.items() if value or (name == "seed" and value is not None)}


def objective_terms(arguments: Mapping[str, Any], problem: Problem | None = None) -> str:
    """Write the objective with the terms that have a weight; empty where no weight is known.

    Args:
        arguments: As for `shown_arguments`.
        problem: Likewise.
    """
    terms = TERMS | IN_REGRESSION if problem == "regression" else TERMS
    return " + ".join(term for weight, term in terms.items() if arguments.get(weight))


def _without_effect(arguments: Mapping[str, Any], task: Task, teachers: int) -> set[str]:
    silent = {"num_train_epochs" if (arguments.get("max_steps") or 0) > 0 else "max_steps"}

    if not arguments.get("soft_target_weight", True):
        silent |= {"temperature", "teacher_weighting", "ensemble", "distill_positions"}
    if teachers == 1:
        silent |= {"teacher_weighting", "ensemble"}
    if not task.token_level:
        silent.add("distill_positions")
    if arguments.get("gradient_accumulation_steps") == 1:
        silent.add("gradient_accumulation_steps")
    if "adam" not in str(arguments.get("optim", "adam")):
        silent |= {"adam_beta1", "adam_beta2", "adam_epsilon"}

    return silent


def _objective_of(arguments: Mapping[str, Any]) -> list[str]:
    """Name the arguments that a distillation has beside those of every training, in the order of their fields."""
    not_listed = {field.name for field in fields(TrainingArguments)}.union(NO_OBJECTIVE)
    return [name for name in arguments if name not in not_listed]
