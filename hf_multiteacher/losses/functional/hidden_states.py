"""Hidden states averaged over spans of tokens, and the distance between two of them."""

import math

import torch
from torch import Tensor

from .numerics import expect_same_shape, full_precision


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
    hidden = full_precision(hidden)

    slots = _slots(spans, num_spans).flatten()
    sums = hidden.new_zeros(batch * (num_spans + 1), size).index_add(0, slots, hidden.flatten(0, 1))
    sums = sums.view(batch, num_spans + 1, size)[:, :num_spans]

    counts = tokens_per_span(spans, num_spans)
    return sums / counts.clamp(min=1)[..., None], counts > 0


def tokens_per_span(spans: Tensor, num_spans: int) -> Tensor:
    """Count the tokens of each span.

    Args:
        spans: `[batch, length]`, int64, each token's span, -1 for none.
        num_spans: Number of spans, above every id.

    Returns:
        int64 `[batch, num_spans]`.
    """
    batch = len(spans)
    slots = _slots(spans, num_spans).flatten()
    # torch.bincount says the same, but a GPU waits for it to look at the largest slot.
    counts = slots.new_zeros(batch * (num_spans + 1)).index_add(0, slots, torch.ones_like(slots))
    return counts.view(batch, num_spans + 1)[:, :num_spans]


def count_spans(student_spans: Tensor, teacher_spans: Tensor) -> int:
    """Return the number of spans that two sides number together: one above the highest id of either."""
    return int(max(student_spans.max(), teacher_spans.max())) + 1


def cosine_distance(first: Tensor, second: Tensor) -> Tensor:
    """1 - cos between the vectors of each row, in [0, 2] (Sanh et al., 2019).

    A zero vector has no direction: its distance is 1 and it gets no gradient.

    Args:
        first: `[rows, hidden]`.
        second: The same shape.

    Returns:
        `[rows]`.

    Raises:
        ValueError: If the shapes differ.
    """
    expect_same_shape("first vectors", first, "second vectors", second)
    return 1 - (_direction(first) * _direction(second)).sum(dim=-1)


def _direction(vectors: Tensor) -> Tensor:
    """Vectors of length 1; a zero vector stays zero."""
    vectors = full_precision(vectors)
    lengths = torch.linalg.vector_norm(vectors, dim=-1, keepdim=True)
    return vectors / lengths.masked_fill(lengths == 0, math.inf)


def _slots(spans: Tensor, num_spans: int) -> Tensor:
    """Number the spans of all examples through; tokens without one go to one more slot per example, to be cut off."""
    first_slots = (num_spans + 1) * torch.arange(len(spans), device=spans.device)
    return spans.where(spans >= 0, num_spans) + first_slots[:, None]
