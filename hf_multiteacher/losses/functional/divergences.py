"""How far a student's prediction is from its target: the Kullback-Leibler divergence and the squared error."""

import torch
from torch import Tensor

from .numerics import expect_same_shape, finite, full_precision


def tempered_log_probabilities(logits: Tensor, temperature: float) -> Tensor:
    """Log-probabilities of softmax(logits / T) over the last dimension, all of them finite.

    Args:
        logits: `[..., classes]`; log-probabilities of a coarsened distribution serve as logits too.
        temperature: T > 0.

    Returns:
        `[..., classes]`.
    """
    log_probabilities = torch.log_softmax(full_precision(logits) / temperature, dim=-1)
    return finite(log_probabilities)


def kl_divergence(student_logits: Tensor, teacher_log_probabilities: Tensor, temperature: float) -> Tensor:
    """T² · KL(teacher ‖ student) in nats, summed over the classes (Hinton et al., 2015).

    T² keeps the size of the gradient independent of T; it is applied here and nowhere else. The value is not clamped,
    which would cut the gradient, and yet never negative beyond some 1e-7.

    Args:
        student_logits: `[..., classes]`, not tempered.
        teacher_log_probabilities: `[..., classes]`, already tempered and finite: `tempered_log_probabilities` of one
            teacher, or `ensemble_probabilities` or `ensemble_logits` of several.
        temperature: T, the same as the teacher's.

    Returns:
        `[...]`.

    Raises:
        ValueError: If the shapes differ.
    """
    expect_same_shape("student logits", student_logits, "teacher log-probabilities", teacher_log_probabilities)

    teacher = full_precision(teacher_log_probabilities)
    student = tempered_log_probabilities(student_logits, temperature)
    return temperature**2 * divergence(teacher, teacher.exp(), student, student.detach().exp())


def divergence(
    teacher_log_probabilities: Tensor,
    teacher_probabilities: Tensor,
    student_log_probabilities: Tensor,
    student_probabilities: Tensor,
) -> Tensor:
    """KL(teacher ‖ student) in nats, summed over the classes; all arguments `[..., classes]`.

    Args:
        teacher_log_probabilities: Finite.
        teacher_probabilities: Their exponentials.
        student_log_probabilities: Finite.
        student_probabilities: Their exponentials, without a gradient.

    Returns:
        `[...]`.
    """
    ratio = teacher_log_probabilities - student_log_probabilities
    total = (teacher_probabilities * ratio).sum(dim=-1)

    # p and q sum to 1, so q - p changes neither value nor gradient; but every p log(p/q) + q - p is >= 0, and the
    # rounding of the two normalisers, in which the divergence of a near student would drown, cancels.
    return total + (student_probabilities - teacher_probabilities).sum(dim=-1)


def bernoulli_logits(logits: Tensor) -> Tensor:
    """Write log-odds of yes / no labels as logits of the two outcomes, so that what is defined for classes serves too.

    Args:
        logits: `[..., labels]`.

    Returns:
        `[..., labels, 2]`; softmax over the last dimension is (sigmoid, 1 - sigmoid).
    """
    return torch.stack([logits, torch.zeros_like(logits)], dim=-1)


def squared_error(outputs: Tensor, targets: Tensor) -> Tensor:
    """Squared error; the mean over the outputs where a regression head has several.

    Args:
        outputs: `[rows]`, `[rows, 1]` or `[rows, outputs]`.
        targets: The same; `[rows]` and `[rows, 1]` are interchangeable.

    Returns:
        `[rows]`.

    Raises:
        ValueError: If the shapes differ.
    """
    outputs, targets = _as_columns(outputs), _as_columns(targets)
    expect_same_shape("outputs", outputs, "targets", targets)
    return (outputs - targets).square().mean(dim=-1)


def _as_columns(values: Tensor) -> Tensor:
    """Values `[rows]` or `[rows, outputs]` as `[rows, outputs]`."""
    return full_precision(values)[:, None].flatten(1)
