"""Decisions spread over tokens and carried out in one encoding."""

import numpy as np
import pytest

from hf_multiteacher.collation.draws import KEEP, MASK, RANDOM, UNTOUCHED
from hf_multiteacher.collation.masking import Replacer, spread, translate


def test_tokens_take_the_value_of_their_span():
    values = np.array([[4, 5], [6, 7]])
    assert spread(values, np.array([[-1, 1, 0, 1], [0, -1, -1, 1]]), 9).tolist() == [[9, 5, 4, 5], [6, 9, 9, 7]]


def test_spans_are_renumbered_by_the_tokens_that_both_numberings_hold():
    pair, joint = np.array([[-1, 0, 1, 2, 2]]), np.array([[-1, 0, 0, 1, 1]])
    assert translate(pair, joint, np.array([[2, 0, 1, 3, -1]])).tolist() == [[1, 0, 0, -1, -1]]


class TestReplacer:
    @pytest.fixture
    def replacer(self, cased_tokenizer):
        return Replacer.of(cased_tokenizer, 0)

    def test_each_token_is_treated_as_decided(self, replacer, cased_tokenizer, keys):
        ids = np.full((len(keys), 4), 40)
        actions = np.broadcast_to([UNTOUCHED, MASK, RANDOM, KEEP], ids.shape)
        result = replacer.apply(ids, np.ones_like(ids), actions, keys)
        assert (result[:, [0, 3]] == 40).all() and (result[:, 1] == cased_tokenizer.mask_token_id).all()
        ordinary = set(range(len(cased_tokenizer))) - set(cased_tokenizer.all_special_ids)
        assert set(result[:, 2].tolist()) == ordinary

    def test_replacements_do_not_depend_on_padding(self, replacer, keys):
        ids = np.full((1, 3), 40)
        alone = replacer.apply(ids, np.ones_like(ids), np.full_like(ids, RANDOM), keys[:1])
        padded = np.array([[0, 0, 40, 40, 40]])
        left = replacer.apply(padded, (padded > 0).astype(int), np.where(padded > 0, RANDOM, UNTOUCHED), keys[:1])
        assert left[:, 2:].tolist() == alone.tolist() and len(set(alone[0])) > 1

    def test_encodings_draw_their_replacements_apart(self, cased_tokenizer, keys):
        ids = np.full((len(keys), 1), 40)
        first, second = (
            Replacer.of(cased_tokenizer, series).apply(ids, np.ones_like(ids), np.full_like(ids, RANDOM), keys)
            for series in (0, 1)
        )
        assert np.mean(first == second) < 0.02
