"""How likely a model holds a stretch of text that is several tokens, and how far two models are apart about it."""

import torch
from torch import Tensor

from .divergences import divergence
from .numerics import LOG_ZERO, full_precision


def span_log_likelihood(logits: Tensor, gold: Tensor, span_of: Tensor, spans: int) -> Tensor:
    """Log-probability of each masked span: the sum over its tokens of that of the gold token.

    Args:
        logits: `[tokens, vocabulary]`, minus infinity for what is impossible.
        gold: `[tokens]`, int64.
        span_of: `[tokens]`, int64, the span of each token.
        spans: Number of spans.

    Returns:
        `[spans]`.
    """
    logits = full_precision(logits)
    of_gold = logits.gather(1, gold[:, None]).squeeze(1) - logits.logsumexp(dim=-1)
    return of_gold.new_zeros(spans).index_add(0, span_of, of_gold)


def likelihood_divergence(student: Tensor, teacher: Tensor) -> Tensor:
    """KL between the yes and no of one event, (p_t, 1 - p_t) and (p_s, 1 - p_s), in nats (Minixhofer et al., 2025).

    Args:
        student: The student's log-probability of each event, `[events]`.
        teacher: Likewise.

    Returns:
        `[events]`.
    """
    ours, theirs = _yes_and_no(student), _yes_and_no(teacher)
    return divergence(theirs, theirs.exp(), ours, ours.detach().exp())


def _yes_and_no(log_probability: Tensor) -> Tensor:
    """Log-probabilities of an event and of its opposite, `[events, 2]`, both finite."""
    yes = log_probability.clamp(min=LOG_ZERO, max=-torch.finfo(log_probability.dtype).eps)
    return torch.stack([yes, (-torch.expm1(yes)).log()], dim=-1)
