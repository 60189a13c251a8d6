"""An index finds what a dictionary finds."""

import numpy as np

from helpers.caches import keys
from hf_multiteacher.cache.index import Index


def test_it_finds_what_a_dictionary_finds_after_any_number_of_additions():
    random, index, expected = np.random.default_rng(0), Index(), {}
    known = keys(3000)
    for begin in (0, 1, 2, 700, 701, 2000):
        part = known[begin:3000:7]
        places = random.integers(0, 2**50, len(part))
        fresh = [tuple(key) not in expected for key in part.tolist()]
        index.add(part[fresh], places[fresh])
        expected |= dict(zip(map(tuple, part[fresh].tolist()), places[fresh].tolist(), strict=True))
    found = index.find(known)
    assert found.tolist() == [expected.get(tuple(key), -1) for key in known.tolist()]


def test_keys_with_one_half_alike_are_different_keys():
    half = np.array([0, 1, 2**64 - 1], np.uint64)
    every = np.stack(np.meshgrid(half, half), axis=-1).reshape(-1, 2)
    index = Index()
    index.add(every[1:5], np.arange(1, 5))
    index.add(every[5:8], np.arange(5, 8))
    assert index.find(every).tolist() == [-1, *range(1, 8), -1]


def test_it_takes_24_bytes_an_entry_and_keeps_few_runs():
    index = Index()
    for seed in range(100):
        index.add(keys(10, seed), np.arange(10))
    assert len(index._runs) <= 8
    assert sum(array.nbytes for run in index._runs for array in run) == 24 * 1000


def test_an_empty_index_and_an_empty_question_are_answered():
    assert Index().find(keys(2)).tolist() == [-1, -1]
    assert Index().find(keys(0)).tolist() == []
