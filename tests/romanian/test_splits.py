"""A part is held out: the same share of each kind."""

from collections import Counter

from hf_multiteacher.romanian.splits import stratified_split


def test_a_stratified_split_keeps_order_and_loses_nothing():
    kinds = ["a"] * 50 + ["b"] * 30 + ["c"] * 3
    kept, held = stratified_split(kinds, 0.2, seed=1)
    assert sorted(kept + held) == list(range(83)) and kept == sorted(kept) and held == sorted(held)
    assert Counter(kinds[row] for row in held) == {"a": 10, "b": 6, "c": 1}
