"""Streams, and data on several ranks: each reads its part, the last step counts right, a resume finds the place."""

from collections.abc import Callable, Iterator
from itertools import islice
from math import ceil
from pathlib import Path
from typing import Any, cast

import datasets
import torch
from datasets.distributed import split_dataset_by_node
from torch.utils.data import DataLoader, Dataset, IterableDataset, Sampler
from transformers import Trainer, TrainerState
from transformers.trainer import TRAINER_STATE_NAME
from transformers.trainer_utils import has_length

from .shares import read_every_example_once


class Filler(dict):
    """A batch that was there before: it keeps a rank in step with the others, and counts for nothing."""


class RankStream(IterableDataset):
    """A rank's own part of a stream: every example is read by one rank.

    A stream of `datasets` is split by shards where the ranks divide their number, else, as any other stream, by
    examples; one that its owner has split already stays as it is.

    Args:
        stream: The whole stream; of another kind than that of `datasets`, it must have one order on all ranks.
        rank: Which part to read.
        ranks: How many parts there are.
    """

    def __init__(self, stream: IterableDataset, rank: int, ranks: int) -> None:
        self.by_examples = not isinstance(stream, datasets.IterableDataset)
        whole = not self.by_examples and not is_split(stream)
        self.stream = split_dataset_by_node(cast(Any, stream), rank, ranks) if whole else stream
        self.rank, self.ranks = rank, ranks

    def __iter__(self) -> Iterator[Any]:
        """Yield the rank's examples."""
        return islice(self.stream, self.rank, None, self.ranks) if self.by_examples else iter(self.stream)

    def __len__(self) -> int:
        """As many as the rank with the most examples has, where the stream tells its length."""
        return ceil(len(cast(Any, self.stream)) / self.ranks)

    def set_epoch(self, epoch: int) -> None:
        """Have the stream shuffle for another epoch, in the way that accelerate knows."""
        if hasattr(self.stream, "set_epoch"):
            self.stream.set_epoch(epoch)
        elif isinstance(generator := getattr(self.stream, "generator", None), torch.Generator):
            generator.manual_seed(epoch)


def is_split(stream: Any) -> bool:
    """Whether the owner of a stream has called `split_dataset_by_node`."""
    return getattr(stream, "_distributed", None) is not None


class StreamsMixin(Trainer):
    """Has a `Trainer` with teachers train on a stream as on the same examples in a list; without them, as ever."""

    _has_teachers: bool
    _last_batch: Any = None
    _ended: Any = None  # the iterator over an epoch that has no more batches on any rank

    @property
    def _streams(self) -> bool:
        """Whether a training with teachers reads examples until there are no more, not knowing how many they are."""
        return self._has_teachers and isinstance(self.train_dataset, IterableDataset)

    # ---- Each rank reads its own part ----

    def _get_dataloader(
        self,
        dataset: Dataset,
        description: str,
        batch_size: int,
        sampler_fn: Callable[[Dataset], Sampler] | None = None,
        is_training: bool = False,
        dataloader_key: str | None = None,
    ) -> DataLoader:
        """Read a stream on every rank; accelerate reads it on the first one, which needs batches of one size."""
        make = super()._get_dataloader
        if self._is_dispatched(dataset) and is_training:
            return self._own_part(cast(IterableDataset, dataset), make, description, batch_size)

        if self._is_dispatched(dataset):
            dataset = self._read(cast(IterableDataset, dataset))
        loader = make(dataset, description, batch_size, sampler_fn, is_training, dataloader_key)
        if self._has_teachers and is_training:
            read_every_example_once(loader)
        return loader

    def _is_dispatched(self, dataset: Any) -> bool:
        """Whether accelerate would read a data set on the first rank only, without having been told to."""
        config = self.accelerator.dataloader_config
        told = config.dispatch_batches is not None

        return self._has_teachers and self.args.world_size > 1 and isinstance(dataset, IterableDataset) and not told

    def _own_part(
        self, stream: IterableDataset, make: Callable[..., DataLoader], description: str, batch_size: int
    ) -> DataLoader:
        """Make the loader of a rank's own part of a stream."""
        part = RankStream(stream, self.args.process_index, self.args.world_size)
        config = self.accelerator.dataloader_config

        config.dispatch_batches = False
        try:
            loader = make(part, description, batch_size, is_training=True)
        finally:
            config.dispatch_batches = None

        # accelerate would take a part of this part, and fill up the last batch: have it pass on every example.
        shard: Any = loader.dataset
        shard.num_processes, shard.process_index, shard.batch_size = 1, 0, 1
        return loader

    def _read(self, stream: IterableDataset) -> Any:
        """Read a stream to its end: an evaluation gathers the ranks' examples, and must know which are repeated."""
        if is_split(stream):
            raise ValueError(
                "MultiTeacherDistillationTrainer expects the whole evaluation set on every rank, but the stream was "
                "split with split_dataset_by_node: the ranks would not have equally many batches and wait for one "
                "another for ever. Pass the stream as it was before."
            )

        return [*stream]

    # ---- Every rank takes every step, and the last one of an epoch too ----

    def get_batch_samples(self, epoch_iterator: Iterator, num_batches: int, device: torch.device) -> tuple[list, Any]:
        """Take the batches of a step as `Trainer` does; what is missing is filled up with what counts nothing.

        `Trainer` steps after `num_batches` batches. Without the last ones, it would carry the gradients of the others
        into the next epoch; and a rank whose part has ended would leave the others waiting.
        """
        if not self._streams and (not self._has_teachers or self.args.world_size == 1):
            return super().get_batch_samples(epoch_iterator, num_batches, device)
        if epoch_iterator is self._ended:
            return [], None

        batches = [*islice(epoch_iterator, num_batches)]
        self._last_batch = batches[-1] if batches else self._last_batch

        # How many batches the others have of stored data is known from its length: Trainer asks for no more.
        longest = self._longest(len(batches), device) if self._streams else num_batches
        self._ended = epoch_iterator if longest < num_batches else None
        missing = num_batches - len(batches) if longest else 0
        if missing:
            batches += [self._filler()] * missing

        return batches, self._get_num_items_in_batch(batches, device)

    def _filler(self) -> Filler:
        """Return what fills up the steps of a rank whose part has ended, or, in a small set, has never begun."""
        self._last_batch = self._first_batch() if self._last_batch is None else self._last_batch
        return Filler(self._last_batch)

    def _longest(self, own: int, device: torch.device) -> int:
        """Return the most batches that any rank has left for a step, all having one to fill it up with."""
        counts, empty = self._left(own, device)
        if max(counts) and empty:  # a resume may have passed over all that a rank's part holds
            self._last_batch = self._first_batch() if self._last_batch is None else self._last_batch
            counts, empty = self._left(own, device)

        if max(counts) and empty:
            raise ValueError(
                f"MultiTeacherDistillationTrainer expects examples for each of {len(counts)} ranks, but the part of "
                f"the stream for rank {empty[0]} has none: it could not take the others' steps with them. Use fewer "
                "processes, or a stream with more examples in each shard."
            )
        return max(counts)

    def _left(self, own: int, device: torch.device) -> tuple[list[int], list[int]]:
        """Tell how many batches each rank has left for a step, and which ranks know of no batch at all."""
        told = torch.tensor([[own, self._last_batch is not None]], device=device)
        every = self.accelerator.gather(told).tolist()

        return [count for count, _ in every], [rank for rank, (_, has_read) in enumerate(every) if not has_read]

    def _first_batch(self) -> Any:
        """Read a batch beside the epoch: the first of the rank's part of a stream, None where it has none."""
        loader: Any = self.callback_handler.train_dataloader
        if self._streams:
            return next(iter(loader.base_dataloader), None)

        return loader.collate_fn([loader.dataset[0]])

    # ---- A resume begins in the epoch, and at the batch, where the stream was left ----

    def _init_training_state(
        self,
        max_steps: int,
        num_update_steps_per_epoch: int,
        num_train_epochs: int,
        resume_from_checkpoint: str | None,
        trial: Any,
    ) -> tuple[int, int]:
        """Set up a run as `Trainer` does, which takes all steps on a stream for steps of one epoch."""
        place = super()._init_training_state(
            max_steps, num_update_steps_per_epoch, num_train_epochs, resume_from_checkpoint, trial
        )

        unknown = self._streams and not has_length(cast(Any, self.train_dataset))
        state = Path(resume_from_checkpoint or "", TRAINER_STATE_NAME)
        if not unknown or not resume_from_checkpoint or self.args.ignore_data_skip or not state.is_file():
            return place

        accumulated = self.args.gradient_accumulation_steps
        epoch, batches = stream_place(TrainerState.load_from_json(str(state)), accumulated)
        self.state.epoch = epoch + batches / (max_steps * accumulated)
        return epoch, batches


def stream_place(state: TrainerState, accumulated: int) -> tuple[int, int]:
    """Read off a checkpoint in which epoch of a stream, and after how many batches, it was saved.

    `Trainer` notes the epoch plus the share of its batches that were read, taking all steps of the run for its length.

    Args:
        state: What the checkpoint says.
        accumulated: Batches per step.
    """
    noted = state.epoch or 0.0
    epoch = max(ceil(noted) - 1, 0)

    return epoch, round((noted - epoch) * state.max_steps * accumulated)
