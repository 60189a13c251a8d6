"""Batches of the training data as a training would meet them, of all lengths."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np
from datasets import Dataset
from torch.utils.data import IterableDataset

BATCHES_LOOKED_AT, BATCHES_OF_A_STREAM = 200, 20
Batch = Sequence[int]
"""Where the examples of a batch stand in the data."""


@dataclass(frozen=True)
class Sample:
    """The first batches of an epoch.

    Attributes:
        data: The training's data set; of a stream, what was read of it.
        batches: In the order of the training; a batch that is not full is left out, unless there is no other.
        costs: The tokens of each batch in all encodings, padding included.
        examples: How many the data set has; None of a stream.
        seconds_to_read: Of an example of a stream, which may be encoded only when it is read.
        part_of: How many examples a batch has in all, where only some of each are here.
    """

    data: Any
    batches: Sequence[Batch]
    costs: Sequence[int]
    examples: int | None
    seconds_to_read: float = 0.0
    part_of: int | None = None

    @classmethod
    def of(cls, dataset: Any, order: Any, batch_size: int) -> "Sample":
        """Look at the first batches of an epoch.

        Args:
            dataset: The training's.
            order: The training's sampler; None of a stream.
            batch_size: Examples in a batch.
        """
        if not isinstance(dataset, IterableDataset) and order is not None:
            places = [*islice(order, BATCHES_LOOKED_AT * batch_size)]
            return cls(dataset, *_batches(dataset, places, batch_size), len(dataset))

        begun = time.perf_counter()
        read = [*islice(dataset, BATCHES_OF_A_STREAM * batch_size)]
        seconds = (time.perf_counter() - begun) / max(len(read), 1)
        return cls(read, *_batches(read, range(len(read)), batch_size), None, seconds)

    @property
    def batch_size(self) -> int:
        """How many examples each batch has."""
        return len(self.batches[0])

    @property
    def scale(self) -> float:
        """How many times as many examples a whole batch has."""
        return (self.part_of or self.batch_size) / self.batch_size

    def every(self, number: int) -> "Sample":
        """Return every so many-th example of each batch, the first one at least; the costs stay the whole batches'."""
        return replace(self, batches=[batch[::number] for batch in self.batches], part_of=self.batch_size)

    def some(self, batches: Sequence[Batch]) -> Any:
        """Return the examples of batches as a data set, read as the training reads them."""
        return _chosen(self.data, [place for batch in batches for place in batch])

    def spread(self, count: int) -> list[Batch]:
        """Return so many batches, or all if they are fewer, that stand for all lengths, in the training's order."""
        number = min(count, len(self.batches))
        by_length = np.argsort(self.costs, kind="stable")
        ranks = ((np.arange(number) + 0.5) / max(number, 1) * len(self.batches)).astype(int)
        return [self.batches[place] for place in sorted(by_length[ranks])]

    @property
    def longest(self) -> Batch:
        """The batch with the most tokens."""
        return self.batches[int(np.argmax(self.costs))]

    @property
    def longest_example(self) -> Any:
        """Its example with the most tokens."""
        return max((self.data[place] for place in self.longest), key=lambda example: _cost([example]))


def _batches(data: Any, places: Sequence[int], batch_size: int) -> tuple[list[Batch], list[int]]:
    """Return the full batches of so many examples, and what each costs."""
    size = min(batch_size, max(len(places), 1))
    batches = [places[start : start + size] for start in range(0, len(places) - size + 1, size)]
    return batches, [_cost([*_chosen(data, batch)]) for batch in batches]


def _chosen(data: Any, places: Sequence[int]) -> Any:
    return data.select(places) if isinstance(data, Dataset) else [data[place] for place in places]


def _cost(examples: Sequence[Any]) -> int:
    """Return how many tokens examples have in all of their encodings, padding included."""
    if not all(hasattr(example, "keys") for example in examples):
        return 0

    columns = [name for name in examples[0] if name.endswith("input_ids")]
    return sum(len(examples) * max(len(example[name]) for example in examples) for name in columns)
