"""How far the student is from what its teachers say."""

import math
from collections.abc import Sequence
from typing import get_args

import torch
from torch import Tensor, nn

from .functional import (
    bernoulli_logits,
    ensemble_logits,
    ensemble_probabilities,
    kl_divergence,
    squared_error,
    tempered_log_probabilities,
    weighted_mean,
)
from .problem import Ensemble, Problem, expect_one_of


class SoftTargetLoss(nn.Module):
    """How far the student is from its teachers: T² · KL(teachers ‖ student), or the squared error in regression."""

    def __init__(self, problem: Problem, temperature: float, ensemble: Ensemble = "probabilities") -> None:
        """Choose the divergence and how several teachers become one target.

        Args:
            problem: What the logits mean.
            temperature: T > 0; without meaning, and unused, in regression.
            ensemble: `probabilities` or `logits` (the weighted mean of either is the one target) or `per_teacher` (the
                weighted sum of one divergence per teacher).

        Raises:
            ValueError: If an argument is not one of these.
        """
        super().__init__()
        expect_one_of("problem", problem, get_args(Problem))
        expect_one_of("ensemble", ensemble, get_args(Ensemble))
        if not (temperature > 0 and math.isfinite(temperature)):
            raise ValueError(
                f"SoftTargetLoss divides logits by temperature, so it must be above 0, not {temperature}."
            )

        self.problem = problem
        self.temperature = temperature
        self.ensemble = ensemble

    def divergence(self, student_logits: Tensor, teacher_logits: Tensor) -> Tensor:
        """Divergence of the student from one teacher, in the outcome space of the two.

        Args:
            student_logits: `[rows, classes]`, or coarsened log-probabilities `[rows, outcomes]`; not tempered.
            teacher_logits: The same shape.

        Returns:
            `[rows]`.
        """
        if self.problem == "regression":
            return squared_error(student_logits, teacher_logits)

        target = tempered_log_probabilities(self._outcomes(teacher_logits), self.temperature)
        return self._kl_divergence(student_logits, target)

    def forward(self, student_logits: Tensor, teacher_logits: Tensor, teacher_weights: Tensor) -> Tensor:
        """Divergence of the student from all its teachers together.

        Args:
            student_logits: `[rows, classes]`, not tempered.
            teacher_logits: `[teachers, rows, classes]`, not tempered, in one outcome space.
            teacher_weights: `[teachers, rows]`, summing to 1 over the teachers, or all zero where no teacher has the
                row.

        Returns:
            `[rows]`; 0 where all weights are zero.

        Raises:
            ValueError: If the shapes do not fit.
        """
        _expect_shape("teacher_logits", teacher_logits, (len(teacher_weights), *student_logits.shape))
        _expect_shape("teacher_weights", teacher_weights, teacher_logits.shape[:2])

        if self.ensemble == "per_teacher":
            each = torch.stack([self.divergence(student_logits, logits) for logits in teacher_logits])
            losses = weighted_mean(each, teacher_weights)
        else:
            losses = self._joint_divergence(student_logits, teacher_logits, teacher_weights)

        return losses.masked_fill(teacher_weights.sum(dim=0) == 0, 0.0)

    def _joint_divergence(self, student_logits: Tensor, teacher_logits: Tensor, teacher_weights: Tensor) -> Tensor:
        """Divergence of the student from the one target that the teachers make together."""
        if self.problem == "regression":
            return squared_error(student_logits, weighted_mean(teacher_logits, teacher_weights))

        join = ensemble_logits if self.ensemble == "logits" else ensemble_probabilities
        target = join(self._outcomes(teacher_logits), teacher_weights, self.temperature)
        return self._kl_divergence(student_logits, target)

    def _kl_divergence(self, student_logits: Tensor, target: Tensor) -> Tensor:
        """Divergence from tempered log-probabilities, summed over the labels where there are several."""
        divergence = kl_divergence(self._outcomes(student_logits), target, self.temperature)
        return divergence.sum(dim=-1) if self.problem == "multi_label_classification" else divergence

    def _outcomes(self, logits: Tensor) -> Tensor:
        """Logits over outcomes that exclude one another: the classes, or the yes and no of each label."""
        return bernoulli_logits(logits) if self.problem == "multi_label_classification" else logits


def joint_logits(problem: Problem, ensemble: Ensemble, teacher_logits: Tensor, teacher_weights: Tensor) -> Tensor:
    """What the teachers say together, untempered; where each has a loss of its own, the mean of their probabilities.

    Args:
        problem: What the logits mean.
        ensemble: How the student follows the teachers.
        teacher_logits: `[teachers, rows, classes]`, in one outcome space.
        teacher_weights: `[teachers, rows]`, summing to 1 over the teachers.

    Returns:
        `[rows, classes]`, logits of the same meaning as each teacher's.
    """
    if problem == "regression" or ensemble == "logits":
        return weighted_mean(teacher_logits, teacher_weights)

    if problem == "multi_label_classification":
        outcomes = ensemble_probabilities(bernoulli_logits(teacher_logits), teacher_weights, 1.0)
        yes, no = outcomes.unbind(dim=-1)
        return yes - no

    return ensemble_probabilities(teacher_logits, teacher_weights, 1.0)


def _expect_shape(name: str, tensor: Tensor, shape: Sequence[int]) -> None:
    if tensor.shape != torch.Size(shape):
        raise ValueError(
            f"SoftTargetLoss expects {name} of shape {list(shape)} (teachers first, then the student's rows and "
            f"classes), but got {list(tensor.shape)}. Select the same rows for every model, and align the classes."
        )
