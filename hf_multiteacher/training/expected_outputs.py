"""How much of the teachers' outputs a run will have to compute and write, said before it begins."""

import logging
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from ..cache.sizes import bytes_in_words
from ..teachers.kept_outputs import KeptOutputs

logger = logging.getLogger(__name__)
SAMPLE = 16


class ExpectedOutputs(TrainerCallback):
    """Announces at a training's begin what of the teachers' outputs is still to be computed.

    Args:
        kept: The outputs of each teacher.
        rounds: How many times a text is asked about, each time with other words masked; None for once an epoch.

    Attributes:
        ask: Asks all teachers about a batch; the trainer sets it.
    """

    def __init__(self, kept: Sequence[KeptOutputs], rounds: int | None) -> None:
        self.kept = kept
        self.rounds = rounds
        self.ask: Callable[[Mapping[str, Tensor]], object] | None = None

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Say how much is going to be computed, as a few texts from all over the data tell."""
        loader: DataLoader = kwargs["train_dataloader"]
        if state.is_world_process_zero and self.ask is not None:
            with _generators_as_they_were():
                plan = self._plan(loader, args, state.num_train_epochs)
            logger.warning("teacher_cache: %s", plan)
            for each in self.kept:
                each.flush()

    def _plan(self, loader: DataLoader, args: TrainingArguments, epochs: int) -> str:
        if isinstance(loader.dataset, IterableDataset):
            return "the texts come as a stream, so what is missing is computed as they come."

        dataset: Any = loader.dataset
        rows = torch.linspace(0, len(dataset) - 1, min(SAMPLE, len(dataset))).long().tolist()
        examples = [dataset[row] for row in dict.fromkeys(rows)]
        new, size, seconds = self._measure(cast(Any, loader.collate_fn)(examples), args)
        if not new:
            return f"of {len(examples)} texts looked up, all that the teachers say is there."

        missing = len(dataset) * min(self.rounds or epochs, epochs) * new / len(examples)
        written = bytes_in_words(size / new * missing)
        heads = sum(each.head_bytes for each in self.kept)
        minutes = _minutes(seconds / new * missing / args.world_size)
        beside = f" beside vocabulary heads of {bytes_in_words(heads)}" if heads else ""
        return (
            f"of {len(examples)} texts looked up, what the teachers say of {new} is still to be computed. About "
            f"{written} will be written{beside}, for which the teachers run about {minutes}."
        )

    def _measure(self, batch: Any, args: TrainingArguments) -> tuple[int, int, float]:
        """Have a few texts computed; return how many were missing, the bytes that they take, and the seconds."""
        before = self._amount()
        start = time.perf_counter()
        cast(Any, self.ask)({name: value.to(args.device) for name, value in batch.items()})
        seconds = time.perf_counter() - start

        after = self._amount()
        new = [more - fewer for fewer, more in zip(before[0], after[0], strict=True)]
        return max(new), after[1] - before[1], seconds

    def _amount(self) -> tuple[list[int], int]:
        """Return how many entries each store has, and the bytes of all."""
        stores = [store for each in self.kept for store in each.stores.values()]
        return [store.entries for store in stores], sum(store.bytes for store in stores)


@contextmanager
def _generators_as_they_were() -> Iterator[None]:
    """Have a collator that draws random numbers draw the same ones as without what is done here."""
    states = random.getstate(), np.random.get_state()

    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        yield
    random.setstate(states[0])
    np.random.set_state(states[1])


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:,.0f} min"
