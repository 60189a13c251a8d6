"""Every formula of the objective, once, on plain tensors.

All functions give one value per row and compute in float32 at least (float64 when given float64). A class whose logit
is minus infinity has probability zero: its log-probability reads `LOG_ZERO`, so that soft losses and their gradients
stay finite. Plus infinity and NaN are not hidden: they give NaN, because the model that made them has overflowed.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

LOG_ZERO = -1e4  # the log-probability of what cannot happen: finite, and exactly 0 once exponentiated in float32
IGNORED_LABEL = -100


def tempered_log_probabilities(logits: Tensor, temperature: float) -> Tensor:
    """Log-probabilities of softmax(logits / T) over the last dimension, all of them finite.

    Args:
        logits: `[..., classes]`; log-probabilities of a coarsened distribution serve as logits too.
        temperature: T > 0.
    """
    log_probabilities = torch.log_softmax(_full_precision(logits) / temperature, dim=-1)
    return _finite(log_probabilities)


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
    _expect_same_shape("student logits", student_logits, "teacher log-probabilities", teacher_log_probabilities)
    teacher = _full_precision(teacher_log_probabilities)
    student = tempered_log_probabilities(student_logits, temperature)
    probabilities = teacher.exp()
    divergence = (probabilities * (teacher - student)).sum(dim=-1)
    # p and q sum to 1, so q - p changes neither value nor gradient; but every p log(p/q) + q - p is >= 0, and the
    # rounding of the two normalisers, in which the divergence of a near student would drown, cancels.
    cancelling = student.detach().exp().sub_(probabilities).sum(dim=-1)
    return temperature**2 * (divergence + cancelling)


def bernoulli_logits(logits: Tensor) -> Tensor:
    """Write log-odds of yes / no labels `[..., labels]` as logits of the two outcomes `[..., labels, 2]`.

    Softmax over the new last dimension is (sigmoid, 1 - sigmoid), so what is defined for classes serves labels too.
    """
    return torch.stack([logits, torch.zeros_like(logits)], dim=-1)


def bernoulli_kl_divergence(student_logits: Tensor, teacher_log_probabilities: Tensor, temperature: float) -> Tensor:
    """T² · KL between yes / no labels in nats, summed over the labels: `[rows]`.

    Args:
        student_logits: `[rows, labels]`, log-odds, not tempered.
        teacher_log_probabilities: `[rows, labels, 2]`, as for `kl_divergence`, made from `bernoulli_logits`.
        temperature: T, the same as the teacher's.
    """
    return kl_divergence(bernoulli_logits(student_logits), teacher_log_probabilities, temperature).sum(dim=-1)


def squared_error(outputs: Tensor, targets: Tensor) -> Tensor:
    """Squared error `[rows]`; the mean over the outputs where a regression head has several.

    Args:
        outputs: `[rows]`, `[rows, 1]` or `[rows, outputs]`.
        targets: The same; `[rows]` and `[rows, 1]` are interchangeable.

    Raises:
        ValueError: If the shapes differ.
    """
    outputs, targets = (_full_precision(values)[:, None].flatten(1) for values in (outputs, targets))
    _expect_same_shape("outputs", outputs, "targets", targets)
    return (outputs - targets).square().mean(dim=-1)


def cross_entropy(logits: Tensor, labels: Tensor, label_smoothing: float = 0.0) -> Tensor:
    """Cross entropy `[rows]` with the gold label in nats; smoothing as in transformers' `LabelSmoother`.

    Args:
        logits: `[rows, classes]`.
        labels: `[rows]`, integers; a row labelled -100 gives 0 and no gradient, a class at minus infinity as the gold
            label infinity.
        label_smoothing: ε in (1 - ε) · CE + ε · mean over all classes of -log p (Szegedy et al., 2016).
    """
    logits = _full_precision(logits)
    return F.cross_entropy(
        logits, labels, ignore_index=IGNORED_LABEL, label_smoothing=label_smoothing, reduction="none"
    )


def binary_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Binary cross entropy in nats, the mean over the labels as in transformers.

    Args:
        logits: `[rows, labels]`, log-odds.
        labels: `[rows, labels]`, numbers in [0, 1]; a label of -100 adds 0 to the mean over all labels.

    Returns:
        `[rows]`.

    Raises:
        ValueError: If the shapes differ.
    """
    _expect_same_shape("logits", logits, "labels", labels)
    ignored = labels == IGNORED_LABEL
    yes, no = tempered_log_probabilities(bernoulli_logits(logits), 1.0).unbind(dim=-1)
    return -(labels * yes + (1 - labels) * no).masked_fill(ignored, 0.0).mean(dim=-1)


def normalised_entropy(logits: Tensor) -> Tensor:
    """Entropy over the last dimension, divided by its largest value, the log of the number of outcomes: in [0, 1]."""
    log_probabilities = tempered_log_probabilities(logits, 1.0)
    return -(log_probabilities.exp() * log_probabilities).sum(dim=-1) / math.log(max(logits.shape[-1], 2))


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
    log_probabilities = tempered_log_probabilities(teacher_logits.masked_fill(weights == 0, 0.0), temperature)
    return (log_probabilities + weights.log()).logsumexp(dim=0)


def ensemble_logits(teacher_logits: Tensor, weights: Tensor, temperature: float) -> Tensor:
    """Tempered log-probabilities of the weighted mean of the logits: the teachers' geometric mean.

    Arguments, result and the answer for one teacher are those of `ensemble_probabilities`.
    """
    return tempered_log_probabilities(weighted_mean(teacher_logits, weights), temperature)


def weighted_mean(teacher_outputs: Tensor, weights: Tensor) -> Tensor:
    """Weighted mean `[rows, ...]` of outputs `[teachers, rows, ...]`, weights as for `ensemble_probabilities`."""
    weights = _beside(weights, teacher_outputs)
    return (weights * teacher_outputs.masked_fill(weights == 0, 0.0)).sum(dim=0)


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
    errors = _full_precision(errors).clamp(max=-LOG_ZERO).masked_fill(~available, -math.inf)
    return _weights_from_doubt(torch.softmax(errors, dim=0), available)


def entropy_weights(entropies: Tensor, available: Tensor | None = None) -> Tensor:
    """Weigh each teacher by how sure it is, without a label: (1 - H_k / ΣH) / (K - 1), equal weights where ΣH = 0.

    Args:
        entropies: `[teachers, rows]`, from `normalised_entropy`.
        available: As for `confidence_weights`, and so is the result.
    """
    available = torch.ones_like(entropies, dtype=torch.bool) if available is None else available
    entropies = _full_precision(entropies).masked_fill(~available, 0.0)
    total = entropies.sum(dim=0)
    return _weights_from_doubt(torch.where(total > 0, entropies / total, 1 / available.sum(dim=0)), available)


def renormalise(weights: Tensor, available: Tensor) -> Tensor:
    """Share each row's weight among the teachers that have the row.

    Args:
        weights: `[teachers, rows]`, or `[teachers, 1]` for the same weights in every row.
        available: `[teachers, rows]`, bool.

    Returns:
        `[teachers, rows]`, summing to 1; zeros where no teacher of positive weight has the row.
    """
    weights = _full_precision(weights) * available
    total = weights.sum(dim=0)
    return weights / total.masked_fill(total == 0, 1.0)


def coarsen(logits: Tensor, outcomes: Tensor, num_outcomes: int) -> Tensor:
    """Log-probabilities `[rows, num_outcomes]`: the entries of the vocabulary that are one outcome added up, at T = 1.

    Temper afterwards, by giving the result as logits to the divergence: tempering first gives a loss between models
    that agree. An outcome without entries gets `LOG_ZERO`, so it adds 0 where both sides lack it; a student that lacks
    an outcome its teacher believes in ("other", say) pays a large constant without gradient.

    Args:
        logits: `[rows, vocabulary]`.
        outcomes: `[vocabulary]`, int64, the outcome of each entry.
        num_outcomes: Number of outcomes, above every id.
    """
    logits = _full_precision(logits)
    shape = (len(logits), num_outcomes)
    # An outcome's largest entry is only a shift: it needs no gradient, and as minus infinity it would give NaN.
    peaks = logits.new_full(shape, torch.finfo(logits.dtype).min)
    peaks.scatter_reduce_(1, outcomes.expand(len(logits), -1), logits.detach(), "amax")
    shares = (logits - peaks.index_select(1, outcomes)).exp_()
    totals = logits.new_zeros(shape).index_add(1, outcomes, shares)
    impossible = totals == 0
    joined = peaks + totals.masked_fill(impossible, 1.0).log()
    return torch.log_softmax(joined, dim=-1).masked_fill(impossible, LOG_ZERO)


def mean_over_spans(hidden: Tensor, spans: Tensor, num_spans: int) -> tuple[Tensor, Tensor]:
    """Average the hidden states of the tokens of each span.

    Args:
        hidden: `[batch, length, hidden]`.
        spans: `[batch, length]`, int64, each token's span, -1 for none.
        num_spans: Number of spans, above every id.

    Returns:
        The means `[batch, num_spans, hidden]`, zero for a span without tokens, and bool `[batch, num_spans]`, true
        for a span with tokens.
    """
    batch, _, size = hidden.shape
    # Tokens without a span go to one more slot per example, which is cut off again.
    slots = spans.where(spans >= 0, num_spans) + (num_spans + 1) * torch.arange(batch, device=spans.device)[:, None]
    hidden = _full_precision(hidden)
    sums = hidden.new_zeros(batch * (num_spans + 1), size).index_add(0, slots.flatten(), hidden.flatten(0, 1))
    counts = torch.bincount(slots.flatten(), minlength=len(sums)).view(batch, num_spans + 1, 1)
    means = sums.view(batch, num_spans + 1, size) / counts.clamp(min=1)
    return means[:, :num_spans], counts[:, :num_spans, 0] > 0


def cosine_distance(first: Tensor, second: Tensor) -> Tensor:
    """1 - cos between the vectors `[rows, hidden]` of each row, in [0, 2] (Sanh et al., 2019).

    A zero vector has no direction: its distance is 1 and it gets no gradient.

    Raises:
        ValueError: If the shapes differ.
    """
    _expect_same_shape("first vectors", first, "second vectors", second)
    return 1 - (_direction(first) * _direction(second)).sum(dim=-1)


def _direction(vectors: Tensor) -> Tensor:
    """Vectors of length 1; a zero vector stays zero."""
    vectors = _full_precision(vectors)
    lengths = torch.linalg.vector_norm(vectors, dim=-1, keepdim=True)
    return vectors / lengths.masked_fill(lengths == 0, math.inf)


def _weights_from_doubt(doubt: Tensor, available: Tensor) -> Tensor:
    """(1 - doubt) / (K - 1) over the K available teachers of a row, whose doubts sum to 1."""
    count = available.sum(dim=0)
    weights = ((1 - doubt) / (count - 1)).where(count > 1, 1.0)
    return weights.masked_fill(~available, 0.0)


def _finite(log_probabilities: Tensor) -> Tensor:
    # torch.nan_to_num says the same and takes twice as long in the backward pass.
    return log_probabilities.masked_fill(log_probabilities == -math.inf, LOG_ZERO)


def _full_precision(values: Tensor) -> Tensor:
    return values.to(torch.promote_types(values.dtype, torch.float32))


def _beside(weights: Tensor, teacher_logits: Tensor) -> Tensor:
    """Weights `[teachers, rows]` with as many dimensions as the logits."""
    return _full_precision(weights).view(*weights.shape, *[1] * (teacher_logits.dim() - 2))


def _expect_same_shape(first_name: str, first: Tensor, second_name: str, second: Tensor) -> None:
    if first.shape != second.shape:
        raise ValueError(
            f"The {first_name} and the {second_name} must have one shape, but are {list(first.shape)} and "
            f"{list(second.shape)}. Broadcasting would give a wrong loss: bring both to the same rows and columns."
        )
