"""The losses with gold labels, as torch and transformers define them, row by row."""

from torch import Tensor
from torch.nn import functional as F

from .divergences import bernoulli_logits, tempered_log_probabilities
from .numerics import IGNORED_LABEL, expect_same_shape, full_precision


def cross_entropy(logits: Tensor, labels: Tensor, label_smoothing: float = 0.0) -> Tensor:
    """Cross entropy with the gold label in nats; smoothing as in transformers' `LabelSmoother`.

    Args:
        logits: `[rows, classes]`.
        labels: `[rows]`, integers; a row labelled -100 gives 0 and no gradient, a class at minus infinity as the gold
            label infinity.
        label_smoothing: ε in (1 - ε) · CE + ε · mean over all classes of -log p (Szegedy et al., 2016).

    Returns:
        `[rows]`.
    """
    return F.cross_entropy(
        full_precision(logits),
        labels,
        ignore_index=IGNORED_LABEL,
        label_smoothing=label_smoothing,
        reduction="none",
    )


def binary_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Binary cross entropy in nats, the mean over the labels that are there, as in transformers where all are.

    Args:
        logits: `[rows, labels]`, log-odds.
        labels: `[rows, labels]`, numbers in [0, 1]; a label of -100 is none and takes no part in the mean.

    Returns:
        `[rows]`; 0 for a row without a label.

    Raises:
        ValueError: If the shapes differ.
    """
    expect_same_shape("logits", logits, "labels", labels)

    yes, no = tempered_log_probabilities(bernoulli_logits(logits), 1.0).unbind(dim=-1)
    losses = -(labels * yes + (1 - labels) * no)

    there = labels != IGNORED_LABEL
    counts = there.sum(dim=-1).clamp(min=1).to(losses.dtype)
    return losses.masked_fill(~there, 0.0).mean(dim=-1) * (labels.shape[-1] / counts)
