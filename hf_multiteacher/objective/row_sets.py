"""The sets of rows over which components are averaged: known from a batch alone, before any forward."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from ..losses.functional import count_spans, tokens_per_span
from ..tokenization.columns import teacher_column
from .rows import Inputs, Rows, SharedSpans, real_tokens, routed, true_places


def row_sets(
    inputs: Inputs, rows: Rows, sources: Mapping[str, int | None], followed: list[bool], *, hidden_states: bool
) -> dict[str, Tensor]:
    """Mark the rows of every set among a batch's tokens, examples or spans.

    Args:
        inputs: The collated batch.
        rows: Its rows.
        sources: Teacher name -> None where it reads the student's encoding, else the number in its columns' names.
        followed: Which of the teachers have a weight above 0.
        hidden_states: Whether hidden states are compared.

    Returns:
        `rows` (all), `hard` (labelled), `soft` (with a teacher that is followed), `soft/<teacher>` and, with
        `hidden_states`, `hidden/<teacher>`; each bool [batch, ...].
    """
    sets = {"rows": rows.mask, "hard": rows.labelled, "soft": rows.available[followed].any(dim=0)}

    for teacher, ((name, source), available) in enumerate(zip(sources.items(), rows.available, strict=True)):
        sets[f"soft/{name}"] = available
        if hidden_states:
            sets[f"hidden/{name}"] = hidden_rows(inputs, source, teacher)

    return sets


def set_sizes(rows: Rows, teachers: Sequence[str]) -> dict[str, int]:
    """Count the rows of every set of `row_sets`, without asking a device.

    Args:
        rows: Those of a batch.
        teachers: The teachers' names.
    """
    sizes = {"rows": len(rows.index), "hard": len(rows.hard), "soft": len(rows.taught)}

    for teacher, name in enumerate(teachers):
        sizes[f"soft/{name}"] = len(rows.has[teacher])
        if rows.spans:
            sizes[f"hidden/{name}"] = len(rows.spans[teacher].index)

    return sizes


def hidden_spans(inputs: Inputs, source: int | None) -> tuple[Tensor, Tensor]:
    """Return the spans over which hidden states are averaged, in the student's and in a teacher's encoding."""
    if source is None:
        spans = token_spans(real_tokens(inputs))
        return spans, spans
    return inputs[teacher_column(source, "student_spans")], inputs[teacher_column(source, "spans")]


def hidden_rows(inputs: Inputs, source: int | None, teacher: int) -> Tensor:
    """Return which spans student and teacher share, where it may speak; bool [batch, spans]."""
    return routed(inputs, teacher, shared_spans(*hidden_spans(inputs, source)))


def spans_of(inputs: Inputs, source: int | None, teacher: int) -> SharedSpans:
    """Return the same with their number."""
    shared = hidden_rows(inputs, source, teacher)
    return SharedSpans(shared.shape[1], true_places(shared))


def token_spans(attention_mask: Tensor) -> Tensor:
    """Make each token that is not padding its own span, where both models read one encoding.

    Args:
        attention_mask: `[batch, length]`.

    Returns:
        `[batch, length]`, -1 for padding.
    """
    tokens = torch.arange(attention_mask.shape[1], device=attention_mask.device)
    return tokens.where(attention_mask.bool(), -1)


def each_span_once(spans: Tensor) -> Tensor:
    """Number the means over spans [batch, spans] as if they were tokens; -1 for a span without a token.

    Args:
        spans: `[batch, length]`, those of the tokens.
    """
    num_spans = count_spans(spans, spans)
    numbers = torch.arange(num_spans, device=spans.device)
    return numbers.where(tokens_per_span(spans, num_spans) > 0, -1)


def shared_spans(student_spans: Tensor, teacher_spans: Tensor) -> Tensor:
    """Mark the spans that have a token on both sides: the rows of `HiddenStateLoss`, known before any forward.

    Args:
        student_spans: `[batch, length]`.
        teacher_spans: `[batch, teacher length]`.

    Returns:
        bool `[batch, spans]`; its sum is the number of rows.
    """
    num_spans = count_spans(student_spans, teacher_spans)
    in_student = tokens_per_span(student_spans, num_spans) > 0
    in_teacher = tokens_per_span(teacher_spans, num_spans) > 0
    return in_student & in_teacher


def sums_per_example(values: Tensor, mask: Tensor) -> Tensor:
    """Add up the values of a set's rows within each example.

    Args:
        values: One per row of the set, [rows].
        mask: The set, bool [batch] or [batch, ...].

    Returns:
        The sum of the values of each example's rows, and their number; [batch, 2].
    """
    sums = torch.zeros(len(mask), device=mask.device)
    sums = sums.index_add(0, mask.nonzero()[:, 0], values.float())
    counts = mask.flatten(1).sum(dim=1) if mask.dim() > 1 else mask.float()
    return torch.stack([sums, counts], dim=1)
