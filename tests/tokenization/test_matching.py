"""Tokens that answer to each other: against a union-find over all tokens, and the cases that users rely on."""

from itertools import combinations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from helpers.spans import PRINTED, RELAXED, encode, spans_of
from hf_multiteacher.tokenization.matching import first_token_counterparts, join_spans, one_to_one


def joint_brute_force(rows):
    """Joint spans of one student row by union-find over its tokens."""
    count = len(rows[0])
    group = list(range(count))
    for row in rows:
        for left, right in combinations(range(count), 2):
            if row[left] == row[right] >= 0:
                group = [group[left] if g == group[right] else g for g in group]
    lost = {group[token] for row in rows for token in range(count) if row[token] < 0}
    order = list(dict.fromkeys(g for g in group if g not in lost))
    return [order.index(g) if g in order else -1 for g in group]


class TestJoin:
    @RELAXED
    @given(data=st.data())
    def test_equals_union_find(self, data):
        rows, tokens, pairs = (data.draw(st.integers(low, high)) for low, high in ((1, 3), (0, 8), (1, 3)))
        steps = st.lists(st.integers(0, 1), min_size=tokens, max_size=tokens)
        student_spans = []
        for _ in range(pairs):
            spans = np.array([np.cumsum(data.draw(steps)) for _ in range(rows)], int).reshape(rows, tokens)
            for row in range(rows):
                first, last = sorted(data.draw(st.tuples(st.integers(0, tokens), st.integers(0, tokens))))
                spans[row, :first] = spans[row, last:] = -1
            student_spans.append(spans)
        joint = join_spans(student_spans)
        assert joint.shape == (rows, tokens)
        for row in range(rows):
            assert joint[row].tolist() == joint_brute_force([spans[row].tolist() for spans in student_spans])

    @RELAXED
    @given(text=PRINTED)
    def test_equals_the_spans_of_all_tokenizations_at_once(self, tokenizers, text):
        encodings = [encode(tokenizer, text) for tokenizer in tokenizers[:4]]
        pairs = [np.array(spans_of(text, [encodings[0], teacher])[0]) for teacher in encodings[1:]]
        assert join_spans(pairs).tolist() == spans_of(text, encodings)[0]

    def test_what_hangs_together_with_a_lost_token_is_lost(self):
        # The second teacher truncated the second token away; the first holds both in one span.
        assert join_spans([np.array([0, 0, 1]), np.array([0, -1, 1])]).tolist() == [-1, -1, 0]


class TestOneToOne:
    def test_finds_the_position_of_the_counterpart(self):
        student = np.array([[-1, 0, 1, 1, 2, 3], [0, 1, 2, -1, -1, -1]])
        teacher = np.array([[0, 0, 1, 2, 3, -1], [-1, 0, 2, 1, -1, -1]])
        expected = [[-1, -1, -1, -1, 3, 4], [1, 3, 2, -1, -1, -1]]
        assert one_to_one(student, teacher).tolist() == expected
        assert one_to_one(student[0], teacher[0]).tolist() == expected[0]

    def test_a_span_without_a_token_on_the_other_side_has_none(self):
        assert one_to_one(np.array([0, 1]), np.array([1])).tolist() == [-1, 0]

    def test_empty_rows_have_none(self):
        assert one_to_one(np.zeros((2, 0), int), np.array([[0], [1]])).shape == (2, 0)
        assert one_to_one(np.array([0]), np.zeros(0, int)).tolist() == [-1]


class TestFirstTokens:
    def test_a_spans_first_tokens_are_counterparts_and_its_other_tokens_have_none(self):
        student = np.array([[-1, 0, 0, 1, 2], [0, 1, 1, -1, -1]])
        teacher = np.array([[0, 1, 1, 1, 2], [-1, 0, 0, 2, -1]])
        assert first_token_counterparts(student, teacher).tolist() == [[-1, 0, -1, 1, 4], [1, -1, -1, -1, -1]]
