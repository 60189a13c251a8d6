"""Draws that depend on seed, round and example alone."""

import numpy as np
import pytest

from hf_multiteacher.collation.masking import (
    KEEP,
    MASK,
    RANDOM,
    UNTOUCHED,
    Replacer,
    draw_actions,
    draw_keys,
    example_ids,
    scramble,
    spread,
    translate,
)


@pytest.fixture
def keys():
    ids = np.random.default_rng(0).integers(0, 50, (20_000, 10))
    return draw_keys(example_ids(ids, np.ones_like(ids)), seed=0, mask_round=0)


def test_draws_are_spread_evenly_over_many_examples(keys):
    actions = draw_actions(keys, np.ones((len(keys), 8), bool), 0.5)
    for span in range(8):
        shares = [np.mean(actions[:, span] == action) for action in (UNTOUCHED, MASK, RANDOM, KEEP)]
        assert shares == pytest.approx([0.5, 0.4, 0.05, 0.05], abs=0.02)
    together = np.corrcoef((actions != UNTOUCHED).T)
    assert np.abs(together - np.eye(8)).max() < 0.03


def test_only_eligible_spans_are_drawn(keys):
    eligible = np.arange(8) % 2 == np.zeros((len(keys), 1))
    actions = draw_actions(keys, eligible, 1.0)
    assert np.array_equal(actions != UNTOUCHED, eligible)


def test_the_hash_is_the_finaliser_of_splitmix64():
    # The first outputs of the reference generator started at 0.
    states = np.arange(1, 4, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    assert scramble(states).tolist() == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]


def test_the_order_of_tokens_counts_and_padding_does_not():
    ids = np.array([[5, 6, 7, 0], [7, 6, 5, 0], [0, 5, 6, 7], [5, 6, 7, 9]])
    mask = np.array([[1, 1, 1, 0], [1, 1, 1, 0], [0, 1, 1, 1], [1, 1, 1, 1]])
    first, second, third, fourth = example_ids(ids, mask).tolist()
    assert first == third and len({first, second, fourth}) == 3


def test_seed_round_and_example_each_make_a_series_of_their_own():
    examples = np.arange(50, dtype=np.uint64)
    series = [
        draw_keys(examples, seed, mask_round).tolist() for seed in (0, 1, -1) for mask_round in (-1, 0, 1, 2**40)
    ]
    assert len(set(sum(series, []))) == 50 * 12


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
