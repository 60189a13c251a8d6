"""How much say each teacher has on a row: from its error, from its doubt, or fixed and shared out."""

import math

import torch
from torch import Tensor

from .divergences import tempered_log_probabilities
from .numerics import LOG_ZERO, full_precision


def confidence_weights(errors: Tensor, available: Tensor | None = None) -> Tensor:
    """Weigh each teacher by how near it is to the gold label: (1 - softmax_k(CE_k)) / (K - 1) (Zhang et al., 2022).

    Args:
        errors: `[teachers, rows]`, each teacher's own loss with the gold label; infinity counts as `-LOG_ZERO`.
        available: `[teachers, rows]`, bool, which teachers have the row (default: all). They alone are the K teachers
            of the row; the others get 0.

    Returns:
        `[teachers, rows]`, summing to 1 over the available teachers; one teacher alone gets 1.
    """
    available = torch.ones_like(errors, dtype=torch.bool) if available is None else available
    errors = full_precision(errors).clamp(max=-LOG_ZERO).masked_fill(~available, -math.inf)
    return _weights_from_doubt(torch.softmax(errors, dim=0), available)


def entropy_weights(entropies: Tensor, available: Tensor | None = None) -> Tensor:
    """Weigh each teacher by how sure it is, without a label: (1 - H_k / ΣH) / (K - 1), equal weights where ΣH = 0.

    Args:
        entropies: `[teachers, rows]`, from `normalised_entropy`.
        available: As for `confidence_weights`, and so is the result.
    """
    available = torch.ones_like(entropies, dtype=torch.bool) if available is None else available
    entropies = full_precision(entropies).masked_fill(~available, 0.0)

    total = entropies.sum(dim=0)
    doubt = torch.where(total > 0, entropies / total, 1 / available.sum(dim=0))

    return _weights_from_doubt(doubt, available)


def normalised_entropy(logits: Tensor) -> Tensor:
    """Entropy over the last dimension, divided by its largest value, the log of the number of outcomes: in [0, 1].

    Args:
        logits: `[..., classes]`.

    Returns:
        `[...]`.
    """
    log_probabilities = tempered_log_probabilities(logits, 1.0)
    entropy = -(log_probabilities.exp() * log_probabilities).sum(dim=-1)
    return entropy / math.log(max(logits.shape[-1], 2))


def renormalise(weights: Tensor, available: Tensor) -> Tensor:
    """Share each row's weight among the teachers that have the row.

    Args:
        weights: `[teachers, rows]`, or `[teachers, 1]` for the same weights in every row.
        available: `[teachers, rows]`, bool.

    Returns:
        `[teachers, rows]`, summing to 1; zeros where no teacher of positive weight has the row.
    """
    weights = full_precision(weights) * available
    total = weights.sum(dim=0)
    return weights / total.masked_fill(total == 0, 1.0)


def _weights_from_doubt(doubt: Tensor, available: Tensor) -> Tensor:
    """(1 - doubt) / (K - 1) over the K available teachers of a row, whose doubts sum to 1."""
    count = available.sum(dim=0)
    weights = ((1 - doubt) / (count - 1)).where(count > 1, 1.0)
    return weights.masked_fill(~available, 0.0)
