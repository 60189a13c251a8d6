"""Stored data are dealt out to ranks so that each example is read once, in as many steps on every rank."""

from itertools import chain

import pytest
from accelerate.data_loader import BatchSamplerShard
from torch.utils.data import BatchSampler, DataLoader, SequentialSampler

from hf_multiteacher.training.shares import read_every_example_once


def parts(examples, ranks, batch, split=False, drop_last=False):
    """What each rank reads, and how many batches it takes itself to have."""
    loaders = []
    for rank in range(ranks):
        batches = BatchSampler(SequentialSampler(range(examples)), batch, drop_last)
        loader = DataLoader(range(examples), batch_sampler=BatchSamplerShard(batches, ranks, rank, split))
        read_every_example_once(loader)
        loaders.append(loader)
    return [[*loader.batch_sampler] for loader in loaders], {len(loader) for loader in loaders}


@pytest.mark.parametrize("examples", [48, 41, 33, 17, 3, 1])
@pytest.mark.parametrize("split", [False, True])
@pytest.mark.parametrize("ranks", [2, 4])
def test_every_example_is_read_once_and_every_rank_counts_the_same_batches(examples, split, ranks):
    batch = 4 * ranks if split else 4
    read, lengths = parts(examples, ranks, batch, split)
    assert sorted(chain(*chain(*read))) == [*range(examples)]
    assert lengths == {max(map(len, read))}


def test_what_is_dropped_stays_dropped():
    read, lengths = parts(41, 2, 4, drop_last=True)
    assert [len(batches) for batches in read] == [5, 5] and lengths == {5}


def test_a_loader_that_deals_nothing_out_stays_as_it_is():
    loader = DataLoader(range(5), batch_size=2)
    read_every_example_once(loader)
    assert len(loader) == 3
