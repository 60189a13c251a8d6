"""Several teachers as one: the weighted means of their probabilities, of their logits, of any of their outputs."""

from torch import Tensor

from .divergences import tempered_log_probabilities
from .numerics import full_precision


def ensemble_probabilities(teacher_logits: Tensor, weights: Tensor, temperature: float) -> Tensor:
    """Log of the weighted mean of the teachers' tempered probabilities.

    The KL to this mean has the gradient of the weighted mean of the KLs to each teacher. One teacher of weight 1 gives
    `tempered_log_probabilities` bit for bit.

    Args:
        teacher_logits: `[teachers, rows, ..., classes]`, in one outcome space; ignored where the weight is 0.
        weights: `[teachers, rows]`, summing to 1 over the teachers.
        temperature: T > 0.

    Returns:
        `[rows, ..., classes]`, tempered log-probabilities.
    """
    weights = _beside(weights, teacher_logits)
    heard = teacher_logits.masked_fill(weights == 0, 0.0)
    log_probabilities = tempered_log_probabilities(heard, temperature)

    return (log_probabilities + weights.log()).logsumexp(dim=0)


def ensemble_logits(teacher_logits: Tensor, weights: Tensor, temperature: float) -> Tensor:
    """Tempered log-probabilities of the weighted mean of the logits: the teachers' geometric mean.

    Arguments, result and the answer for one teacher are those of `ensemble_probabilities`.
    """
    return tempered_log_probabilities(weighted_mean(teacher_logits, weights), temperature)


def weighted_mean(teacher_outputs: Tensor, weights: Tensor) -> Tensor:
    """Weighted mean of what the teachers give: logits, numbers, or one loss each.

    Args:
        teacher_outputs: `[teachers, rows, ...]`; ignored where the weight is 0.
        weights: `[teachers, rows]`, as for `ensemble_probabilities`.

    Returns:
        `[rows, ...]`.
    """
    weights = _beside(weights, teacher_outputs)
    return (weights * teacher_outputs.masked_fill(weights == 0, 0.0)).sum(dim=0)


def _beside(weights: Tensor, teacher_outputs: Tensor) -> Tensor:
    """Weights `[teachers, rows]` with as many dimensions as the outputs."""
    return full_precision(weights).view(*weights.shape, *[1] * (teacher_outputs.dim() - 2))
