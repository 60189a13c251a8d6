"""Relations between the spans of an example, which any two models can be compared by."""

import math

from torch import Tensor

from .numerics import LOG_ZERO, full_precision


def span_relations(means: Tensor, present: Tensor, heads: int) -> Tensor:
    """Scaled dot products between the spans of each example, one table per head (Wang et al., 2021, on hidden states).

    The hidden state of a span is cut into `heads` equal pieces, each of which relates it to all spans, as heads of an
    attention do. They have the shape of no model, so models of any widths and numbers of heads compare.

    Args:
        means: The spans' mean hidden states, `[batch, spans, hidden]`.
        present: Which spans take part, bool `[batch, spans]`.
        heads: Into how many pieces; it divides the hidden size.

    Returns:
        Logits `[batch, spans, heads, spans]` whose softmax over the last dimension is the relation of each span to
        those that take part.
    """
    pieces = full_precision(means).unflatten(-1, (heads, -1)).transpose(1, 2)

    products = pieces @ pieces.transpose(-1, -2) / math.sqrt(pieces.shape[-1])
    # A span's product with itself is never negative, so LOG_ZERO is as good as minus infinity and gives no NaN.
    return products.masked_fill(~present[:, None, None], LOG_ZERO).transpose(1, 2)
