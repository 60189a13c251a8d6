"""The masked spans on which a teacher and the student have no pair of tokens to compare, and their gold pieces."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from ..losses.functional import IGNORED_LABEL, count_spans
from ..tokenization.columns import teacher_column
from .row_sets import shared_spans
from .rows import Inputs, Rows, TeacherTokens, UncoveredSpans, routed, true_places


def with_uncovered_spans(inputs: Inputs, sources: Sequence[int | None], rows: Rows) -> Rows:
    """Add to the rows of a batch the spans that are masked on both sides and have no counterparts.

    Args:
        inputs: The collated batch of a masked language model.
        sources: For each teacher, None where it reads the student's encoding, else the number in its columns' names.
        rows: The batch's rows.
    """
    found = [
        (tokens, None) if source is None or tokens is None else _find(inputs, teacher, source, rows, tokens)
        for teacher, (source, tokens) in enumerate(zip(sources, rows.tokens_of, strict=True))
    ]

    tokens_of, uncovered = zip(*found, strict=True)
    return replace(rows, tokens_of=tokens_of, uncovered=uncovered)


def _find(
    inputs: Inputs, teacher: int, source: int, rows: Rows, tokens: TeacherTokens
) -> tuple[TeacherTokens, UncoveredSpans]:
    """Find the spans of one teacher, and add their pieces to the tokens on which its head is wanted."""
    student_spans, teacher_spans = (inputs[teacher_column(source, part)] for part in ("student_spans", "spans"))
    gold = inputs[teacher_column(source, "labels")]
    student_spans = student_spans.where(rows.labelled & ~rows.available[teacher], -1)
    teacher_spans = teacher_spans.where(gold != IGNORED_LABEL, -1)

    shared = routed(inputs, teacher, shared_spans(student_spans, teacher_spans))
    number = (shared.flatten().cumsum(0) - 1).where(shared.flatten(), -1).view_as(shared)
    ours, theirs = (_spread(number, spans) for spans in (student_spans, teacher_spans))

    asked, at = _also_wanted(tokens, theirs >= 0)
    pieces = true_places(ours >= 0)
    return asked, UncoveredSpans(
        count=count_spans(*(inputs[teacher_column(source, part)] for part in ("student_spans", "spans"))),
        index=true_places(shared),
        row=(rows.mask.flatten().cumsum(0) - 1)[pieces],
        of=ours.flatten()[pieces],
        teacher_place=at,
        teacher_of=theirs[theirs >= 0],
        teacher_gold=gold[theirs >= 0],
    )


def _spread(number: Tensor, spans: Tensor) -> Tensor:
    """Give each token, [batch, tokens], the number of its span, [batch, spans]; -1 where it has none."""
    padded = torch.cat([number, number.new_full((len(number), 1), -1)], dim=1)
    return padded.gather(1, spans.where(spans >= 0, number.shape[1]))


def _also_wanted(tokens: TeacherTokens, more: Tensor) -> tuple[TeacherTokens, Tensor]:
    """Want the head on further tokens [batch, teacher length] too; and tell which of the wanted ones these are."""
    wanted = tokens.wanted | more
    place = wanted.flatten().cumsum(0) - 1

    rows = place[tokens.index.index_select(0, tokens.place)]
    return TeacherTokens(wanted, true_places(wanted), rows), place[true_places(more)]
