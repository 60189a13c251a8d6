"""The order of stored training examples: from seed and epoch alone, so that every rank and a resume find the same."""

from typing import Any

import torch
from torch.utils.data import DataLoader, Sampler
from transformers.trainer_pt_utils import LengthGroupedSampler


class SeededLengthGroupedSampler(LengthGroupedSampler):
    """Groups examples of like length as `Trainer` does, in an order that seed and epoch alone decide.

    `Trainer` draws it from the global generator, which another rank, or a resume in mid-epoch, has in another state.

    Args:
        grouped: What `Trainer` made.
        seed: Start of the draws of all epochs.
    """

    def __init__(self, grouped: LengthGroupedSampler, seed: int) -> None:
        super().__init__(grouped.batch_size, lengths=grouped.lengths, generator=torch.Generator())
        self.seed = seed
        self.set_epoch(0)

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of the next pass over the data."""
        self.generator.manual_seed(self.seed + epoch)


def seeded(sampler: Sampler | None, seed: int) -> Sampler | None:
    """Return a training's sampler with an order of its own for every epoch, whatever else was drawn before."""
    return SeededLengthGroupedSampler(sampler, seed) if type(sampler) is LengthGroupedSampler else sampler


def set_epoch(loader: DataLoader, epoch: int) -> None:
    """Tell every sampler behind a data loader the epoch; accelerate reaches only those that it has wrapped once."""
    sampler: Any = getattr(loader, "batch_sampler", None)

    while sampler is not None:
        if hasattr(sampler, "set_epoch"):
            sampler.set_epoch(epoch)
        sampler = getattr(sampler, "batch_sampler", getattr(sampler, "sampler", None))
