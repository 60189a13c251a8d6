"""Follows the training loop at the moments for which `Trainer` has no method to override."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from ..collation.data_collator import DataCollatorForDistillation
from .checks import Refusal, refuse
from .sampling import set_epoch


class DistillationCallback(TrainerCallback):
    """Tells collator and samplers the epochs, and keeps the means of the components between two logs.

    Args:
        mask_rounds: After so many epochs masks repeat; None for never.
        counted: How the names of those components begin that are numbers of rows, and no means.

    Attributes:
        collator: What makes the batches of the training; the trainer sets it when it makes their data loader.
        sums: Component -> the sum of its means over the steps since the last log.
        latest: The part of the running micro-batch in the means of its step; None where nobody has computed it yet.
        counts: The rows of every set in the running step, all micro-batches and ranks; None between steps.
        left_out: What to say where nobody has computed the means of a micro-batch; the trainer sets it.
    """

    def __init__(self, mask_rounds: int | None = None, counted: tuple[str, ...] = ()) -> None:
        self.mask_rounds = mask_rounds
        self.counted = counted
        self.collator: Any = None
        self.sums: dict[str, Tensor] = {}
        self.latest: Mapping[str, Tensor] | None = None
        self.counts: Mapping[str, Tensor] | None = None
        self.left_out: Sequence[Refusal] = ()
        self.steps = 0
        self.epoch = 0
        self.first_step = 0

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Count the epochs from where a resume continues, and the components from nothing."""
        self.epoch = int(state.epoch or 0)
        self.first_step = state.global_step
        self.latest = self.counts = None
        self._start_anew()

    def on_epoch_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Give the collator the epoch as the round of its draws, before the workers collate the first batch."""
        # state.epoch is a fraction where a stream ends before the expected number of steps: count here instead.
        if isinstance(self.collator, DataCollatorForDistillation):
            self.collator.set_round(self.epoch % self.mask_rounds if self.mask_rounds else self.epoch)

        set_epoch(kwargs["train_dataloader"], self.epoch)
        self.epoch += 1

    def on_step_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Count the optimizer steps between two logs."""
        self.steps += 1

    def on_substep_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Add what was noted of a micro-batch, once, however often an override has had its loss computed."""
        self._expect_computed()
        self._add()

    def on_pre_optimizer_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Look at the last micro-batch of a step before the student learns from it."""
        self._expect_computed()

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Add what was noted of the last micro-batch of a step, and forget its counts."""
        self._add()
        self.counts = None

    def _expect_computed(self) -> None:
        if self.latest is None:
            refuse(self.left_out)

    def _add(self) -> None:
        for name, mean in (self.latest or {}).items():
            self.sums[name] = self.sums.get(name, 0) + mean.detach()

        self.latest = None

    def on_optimizer_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Zero all gradients of the optimizer, those of projections too: the `Trainer` zeroes its model's only."""
        # Not when a step begins: accelerate's zero_grad does nothing while gradients accumulate.
        kwargs["optimizer"].zero_grad()

    def on_log(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Note beside the time of a resumed training from which step on it was taken."""
        if self.first_step and "train_runtime" in state.log_history[-1]:
            state.log_history[-1]["first_step"] = self.first_step

    def take_means(self, add_ranks: Callable[[Tensor], Tensor]) -> dict[str, float]:
        """Return the mean of every component over the steps since the last call, and start anew; counts are added up.

        Args:
            add_ranks: Adds a tensor up over all ranks.
        """
        if not self.sums:
            return {}

        means = add_ranks(torch.stack([*self.sums.values()])) / self.steps
        named = dict(zip(self.sums, means.tolist(), strict=True))
        named |= {name: round(mean * self.steps) for name, mean in named.items() if name.startswith(self.counted)}

        self._start_anew()
        return named

    def _start_anew(self) -> None:
        self.sums = {}
        self.steps = 0
