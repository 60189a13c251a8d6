"""Distributions over a vocabulary as distributions over coarser outcomes, which two vocabularies can share."""

import torch
from torch import Tensor

from .numerics import LOG_ZERO, full_precision


def coarsen(logits: Tensor, outcomes: Tensor, num_outcomes: int) -> Tensor:
    """Add up the entries of the vocabulary that are one outcome, at T = 1.

    Temper afterwards, by giving the result as logits to the divergence: tempering first gives a loss between models
    that agree. An outcome without entries gets `LOG_ZERO`, so it adds 0 where both sides lack it; a student that lacks
    an outcome its teacher believes in ("other", say) pays a large constant without gradient.

    Args:
        logits: `[rows, vocabulary]`.
        outcomes: `[vocabulary]`, int64, the outcome of each entry.
        num_outcomes: Number of outcomes, above every id.

    Returns:
        `[rows, num_outcomes]`, log-probabilities.
    """
    logits = full_precision(logits)
    shape = (len(logits), num_outcomes)

    # An outcome's largest entry is only a shift: it needs no gradient, and as minus infinity it would give NaN.
    peaks = logits.new_full(shape, torch.finfo(logits.dtype).min)
    peaks.scatter_reduce_(1, outcomes.expand(len(logits), -1), logits.detach(), "amax")

    shares = (logits - peaks.index_select(1, outcomes)).exp_()
    totals = logits.new_zeros(shape).index_add(1, outcomes, shares)

    impossible = totals == 0
    joined = peaks + totals.masked_fill(impossible, 1.0).log()
    return torch.log_softmax(joined, dim=-1).masked_fill(impossible, LOG_ZERO)
