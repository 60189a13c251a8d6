"""Which tokens of student and teacher answer to each other, read off the spans that they share."""

from collections.abc import Sequence

import numpy as np

from .spans import Integers, connect


def join_spans(student_spans: Sequence[Integers]) -> Integers:
    """Join the spans that the student shares with each teacher into spans over all their tokenizations.

    Two student tokens belong together when some pair holds them in one span. Where a token has no span in some pair,
    all that belongs together with it has no joint span: masking it could not hide it in every encoding.

    Args:
        student_spans: per student-teacher pair, [..., tokens]: the pair's span of each student token, -1 = none.

    Returns:
        The joint span of each student token [..., tokens], counted from 0 in each row, -1 = none.
    """
    pairs = [_keys_over_rows(spans, int(spans.max(initial=-1)) + 1) for spans in student_spans]

    intervals = [_intervals_of(pair) for pair in pairs]
    joint = connect(intervals, pairs[0].size).reshape(pairs[0].shape)
    valid = np.ones(pairs[0].size, bool)
    valid[joint[~np.all(pairs, axis=0)]] = False

    valid_before = np.cumsum(valid) - valid
    numbers = valid_before[joint] - valid_before[joint[:, :1]]
    return np.where(valid[joint], numbers, -1).reshape(student_spans[0].shape)


def one_to_one(student_spans: Integers, teacher_spans: Integers) -> Integers:
    """Find, for each student token that is a whole span, the teacher token that is the whole span too.

    Args:
        student_spans: [..., student tokens], the pair's span of each student token, -1 = none.
        teacher_spans: [..., teacher tokens], the same numbering on the teacher's side.

    Returns:
        Per student token [..., student tokens] the position of its counterpart in the teacher's row, or -1.
    """
    span_limit = int(max(student_spans.max(initial=-1), teacher_spans.max(initial=-1))) + 1
    student, teacher = (_keys_over_rows(spans, span_limit) for spans in (student_spans, teacher_spans))
    keys = 1 + student.shape[0] * span_limit

    position = np.full(keys, -1, np.int64)
    position[teacher] = np.arange(teacher.shape[1])

    single = np.all([np.bincount(side.ravel(), minlength=keys) == 1 for side in (student, teacher)], axis=0)
    single[0] = False

    return np.where(single, position, -1)[student].reshape(student_spans.shape)


def first_token_counterparts(student_spans: Integers, teacher_spans: Integers) -> Integers:
    """Where the first teacher token of a span stands, for the first student token of the span, else -1.

    Args:
        student_spans: [batch, length].
        teacher_spans: [batch, teacher length], the same numbering.
    """
    size = int(max(student_spans.max(initial=-1), teacher_spans.max(initial=-1))) + 1
    student_first, teacher_first = (_first_tokens(spans, size) for spans in (student_spans, teacher_spans))

    rows, spans = np.nonzero((student_first < student_spans.shape[1]) & (teacher_first < teacher_spans.shape[1]))

    positions = np.full(student_spans.shape, -1, np.int64)
    positions[rows, student_first[rows, spans]] = teacher_first[rows, spans]
    return positions


def _keys_over_rows(spans: Integers, span_limit: int) -> Integers:
    """Number the spans of all rows apart, from 1; 0 = none; [rows, tokens]."""
    rows = spans.reshape(int(np.prod(spans.shape[:-1])), spans.shape[-1])
    return np.where(rows < 0, 0, 1 + np.arange(len(rows))[:, None] * span_limit + rows)


def _intervals_of(keys: Integers) -> tuple[Integers, Integers]:
    """Where each span of one pair starts and ends, over the tokens of all rows; [spans] each."""
    present = np.flatnonzero(keys)
    _, first, inverse = np.unique(keys.ravel()[present], return_index=True, return_inverse=True)
    last = np.zeros_like(first)
    np.maximum.at(last, inverse, np.arange(len(present)))

    return present[first], present[last] + 1


def _first_tokens(spans: Integers, size: int) -> Integers:
    """The position of each span's first token, [batch, size]; the length where there is none."""
    first = np.full((len(spans), size), spans.shape[1], np.int64)
    rows, columns = np.nonzero(spans >= 0)
    np.minimum.at(first, (rows, spans[rows, columns]), columns)
    return first
