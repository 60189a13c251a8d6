"""Examples of the training data as a training would meet them: in its batches, of all lengths."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from datasets import Dataset
from torch.utils.data import IterableDataset

BATCHES_LOOKED_AT = 200


@dataclass(frozen=True)
class Sample:
    """Batches of the training data.

    Attributes:
        batches: The examples of each batch, as the data set gives them, in the order of the training.
        batch_size: How many examples each has.
        examples: How many the data set has; None of a stream.
        seconds_to_read: Of an example of a stream, which may be encoded only when it is read.
    """

    batches: Sequence[Sequence[Any]]
    batch_size: int
    examples: int | None
    seconds_to_read: float = 0.0

    @classmethod
    def of(cls, dataset: Any, order: Any, batch_size: int) -> "Sample":
        """Look at the first batches of an epoch.

        Args:
            dataset: The training's.
            order: The training's sampler; None of a stream.
            batch_size: Examples in a batch.
        """
        wanted = BATCHES_LOOKED_AT * batch_size
        if isinstance(dataset, IterableDataset) or order is None:
            begun = time.perf_counter()
            examples = [*islice(dataset, min(wanted, 20 * batch_size))]
            seconds = (time.perf_counter() - begun) / max(len(examples), 1)
            return cls._in_batches(examples, batch_size, None, seconds)

        chosen = [*islice(order, wanted)]
        examples = [*dataset.select(chosen)] if isinstance(dataset, Dataset) else [dataset[place] for place in chosen]
        return cls._in_batches(examples, batch_size, len(dataset), 0.0)

    @classmethod
    def _in_batches(cls, examples: list[Any], batch_size: int, known: int | None, seconds: float) -> "Sample":
        size = min(batch_size, max(len(examples), 1))
        batches = [examples[start : start + size] for start in range(0, len(examples) - size + 1, size)]
        return cls(batches, size, known, seconds)

    @property
    def all_examples(self) -> list[Any]:
        """Those of all batches."""
        return [example for batch in self.batches for example in batch]

    def spread(self, count: int) -> list[Sequence[Any]]:
        """Return so many batches, or all if they are fewer, that stand for all lengths, in the training's order."""
        number = min(count, len(self.batches))
        by_length = sorted(range(len(self.batches)), key=lambda place: _cost(self.batches[place]))

        ranks = ((np.arange(number) + 0.5) / max(number, 1) * len(self.batches)).astype(int)
        return [self.batches[place] for place in sorted(by_length[rank] for rank in ranks)]

    @property
    def longest(self) -> Sequence[Any]:
        """The batch with the most tokens, padding included."""
        return max(self.batches, key=_cost)


def _cost(batch: Sequence[Any]) -> int:
    """Return how many tokens a batch has in all of its encodings, padding included."""
    if not all(isinstance(example, dict) or hasattr(example, "keys") for example in batch):
        return 0

    columns = [name for name in batch[0] if name.endswith("input_ids")]
    return sum(len(batch) * max(len(example[name]) for example in batch) for name in columns)
