"""How much say each teacher has on a row: one function per `teacher_weighting`, and the table of them.

Every weighting takes the same five arguments and uses those that it needs:

    problem: What the logits mean.
    teacher_logits: One `[rows, outcomes]` per teacher, in the outcomes that it shares with the student, at T = 1.
    labels: The rows' labels in each teacher's outcomes, -100 (in regression NaN) for none; None where the batch has
        no labels.
    available: `[teachers, rows]`, bool, which teacher has which row.
    teacher_weights: `[teachers]`, the teachers' fixed weights.

It returns `[teachers, rows]`, summing to 1 over the teachers that are available and 0 for the others.
"""

from collections.abc import Callable, Sequence
from typing import get_args

import torch
from torch import Tensor

from .functional import (
    IGNORED_LABEL,
    bernoulli_logits,
    confidence_weights,
    entropy_weights,
    normalised_entropy,
    renormalise,
)
from .hard_label import HardLabelLoss
from .problem import Problem, expect_one_of

Weighting = Callable[[Problem, Sequence[Tensor], Sequence[Tensor] | None, Tensor, Tensor], Tensor]


def fixed(
    problem: Problem,
    teacher_logits: Sequence[Tensor],
    labels: Sequence[Tensor] | None,
    available: Tensor,
    teacher_weights: Tensor,
) -> Tensor:
    """Weigh every row alike, by the teachers' own weights, shared among those that have the row."""
    return renormalise(teacher_weights[:, None], available)


def confidence(
    problem: Problem,
    teacher_logits: Sequence[Tensor],
    labels: Sequence[Tensor] | None,
    available: Tensor,
    teacher_weights: Tensor,
) -> Tensor:
    """Give more weight to teachers that predict the label better; rows without a label use the fixed weights."""
    unlabelled = fixed(problem, teacher_logits, labels, available, teacher_weights)
    if labels is None:
        return unlabelled

    errors = [gold_error(problem, logits, gold) for logits, gold in zip(teacher_logits, labels, strict=True)]
    weights = confidence_weights(torch.stack(errors), available)
    return weights.where(_labelled(problem, labels[0]), unlabelled)


def _labelled(problem: Problem, labels: Tensor) -> Tensor:
    """Tell which rows have a label, bool [rows]."""
    if problem == "regression":
        return ~labels.isnan().reshape(len(labels), -1).any(dim=-1)

    labelled = labels != IGNORED_LABEL
    return labelled.any(dim=-1) if problem == "multi_label_classification" else labelled


def entropy(
    problem: Problem,
    teacher_logits: Sequence[Tensor],
    labels: Sequence[Tensor] | None,
    available: Tensor,
    teacher_weights: Tensor,
) -> Tensor:
    """Give more weight to teachers that are surer, with or without a label.

    Raises:
        ValueError: In regression, where one number has no entropy.
    """
    entropies = [prediction_entropy(problem, logits) for logits in teacher_logits]
    return entropy_weights(torch.stack(entropies), available)


WEIGHTINGS: dict[str, Weighting] = {
    "fixed": fixed,
    "confidence": confidence,
    "entropy": entropy,
}
"""The choices of `teacher_weighting`."""


def gold_error(problem: Problem, teacher_logits: Tensor, labels: Tensor) -> Tensor:
    """A teacher's own loss with the gold labels: summed, not averaged, over labels, of which -100 adds 0.

    Args:
        problem: What the logits mean.
        teacher_logits: As `HardLabelLoss` takes them; coarsened log-probabilities with the outcomes of the gold tokens
            as labels where the vocabularies differ.
        labels: As `HardLabelLoss` takes them.

    Returns:
        `[rows]`.
    """
    errors = HardLabelLoss(problem)(teacher_logits, labels)
    if problem == "multi_label_classification":
        return errors * (labels != IGNORED_LABEL).sum(dim=-1)
    return errors


def prediction_entropy(problem: Problem, teacher_logits: Tensor) -> Tensor:
    """A teacher's own entropy, for `entropy`: 0 for certainty, 1 for a uniform prediction.

    Args:
        problem: What the logits mean; with several labels, the mean of their entropies.
        teacher_logits: `[rows, classes]`.

    Returns:
        `[rows]`.

    Raises:
        ValueError: In regression, where one number has no entropy.
    """
    expect_one_of("problem", problem, get_args(Problem))
    if problem == "regression":
        raise ValueError(
            "Entropy weights need a distribution, but a regression head gives one number. "
            'Use teacher_weighting="fixed" or "confidence".'
        )

    if problem == "multi_label_classification":
        return normalised_entropy(bernoulli_logits(teacher_logits)).mean(dim=-1)
    return normalised_entropy(teacher_logits)
