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
from functools import partial
from typing import get_args

import torch
from torch import Tensor

from .functional import (
    IGNORED_LABEL,
    bernoulli_logits,
    best_weights,
    confidence_weights,
    entropy_in_nats,
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

    weights = confidence_weights(_gold_errors(problem, teacher_logits, labels), available)
    return weights.where(_labelled(problem, labels[0]), unlabelled)


def best(
    problem: Problem,
    teacher_logits: Sequence[Tensor],
    labels: Sequence[Tensor] | None,
    available: Tensor,
    teacher_weights: Tensor,
    *,
    temperature: float = 0.0,
) -> Tensor:
    """Follow the teacher with the lowest error; without a label the surest, in regression all by the fixed weights.

    A sure teacher expects a low error of itself: its entropy is that error's mean over what it believes. A regression
    head gives one number and no doubt, and two of them are equally far from their mean. With a temperature above 0 the
    weights are softmax(-error / temperature).
    """
    if problem == "regression":
        unlabelled = fixed(problem, teacher_logits, labels, available, teacher_weights)
    else:
        doubts = torch.stack([_expected_error(problem, logits) for logits in teacher_logits])
        unlabelled = best_weights(doubts, available, temperature)
    if labels is None:
        return unlabelled

    weights = best_weights(_gold_errors(problem, teacher_logits, labels), available, temperature)
    return weights.where(_labelled(problem, labels[0]), unlabelled)


def _gold_errors(problem: Problem, teacher_logits: Sequence[Tensor], labels: Sequence[Tensor]) -> Tensor:
    """Return the errors of all teachers, [teachers, rows]."""
    errors = [gold_error(problem, logits, gold) for logits, gold in zip(teacher_logits, labels, strict=True)]
    return torch.stack(errors)


def _expected_error(problem: Problem, teacher_logits: Tensor) -> Tensor:
    """Return the error [rows] that a teacher expects of itself: `gold_error`, if labels are as it believes."""
    if problem == "multi_label_classification":
        return entropy_in_nats(bernoulli_logits(teacher_logits)).sum(dim=-1)
    return entropy_in_nats(teacher_logits)


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
    "best": best,
    "teachable": fixed,  # by weights that follow the student, over time
}
"""The choices of `teacher_weighting`."""
LOOK_AT_LABELS = ("confidence", "best")
"""Those whose weights are others where labels are known."""


def weighting_of(name: str, temperature: float) -> Weighting:
    """Return the function of a `teacher_weighting`.

    Args:
        name: A key of `WEIGHTINGS`.
        temperature: That of `best`; the others have none.
    """
    return partial(best, temperature=temperature) if name == "best" else WEIGHTINGS[name]


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
            'Use teacher_weighting="fixed", "confidence" or "best".'
        )

    if problem == "multi_label_classification":
        return normalised_entropy(bernoulli_logits(teacher_logits)).mean(dim=-1)
    return normalised_entropy(teacher_logits)
