"""Draws that depend on seed, round and example alone."""

import numpy as np
import pytest

from hf_multiteacher.collation.draws import (
    KEEP,
    MASK,
    RANDOM,
    UNTOUCHED,
    draw_actions,
    draw_keys,
    example_ids,
    scramble,
)


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
