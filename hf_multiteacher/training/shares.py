"""Stored training data on several ranks: every example is read by one rank, also where an epoch ends unevenly."""

from collections.abc import Iterator
from typing import Any

from accelerate.data_loader import BatchSamplerShard
from torch.utils.data import BatchSampler, DataLoader


class WholeRounds(BatchSampler):
    """The batches of all ranks, with a length at which every rank counts as many as the one with the most.

    Args:
        batch_sampler: What `accelerate` deals out, a batch to each rank in turn.
        ranks: How many ranks there are.
    """

    def __init__(self, batch_sampler: BatchSampler, ranks: int) -> None:
        self.batch_sampler = batch_sampler
        self.ranks = ranks
        self.sampler: Any = getattr(batch_sampler, "sampler", None)  # accelerate tells it the epoch

    def __iter__(self) -> Iterator[list[int]]:
        """Yield the batches that there are."""
        return iter(self.batch_sampler)

    def __len__(self) -> int:
        """Count a round that has begun as a whole one."""
        return -(-len(self.batch_sampler) // self.ranks) * self.ranks


def read_every_example_once(loader: DataLoader) -> None:
    """Have accelerate end a rank's part where its examples end, and not fill it up with some that others have read.

    A rank may then have a batch less than others, or a shorter one; its length is still that of the longest.

    Args:
        loader: Of a training, as accelerate has prepared it; any other stays as it is.
    """
    shard = getattr(loader, "batch_sampler", None)
    if not isinstance(shard, BatchSamplerShard) or shard.num_processes == 1 or shard.drop_last:
        return

    shard.even_batches = False
    if not shard.split_batches:
        shard.batch_sampler = WholeRounds(shard.batch_sampler, shard.num_processes)
