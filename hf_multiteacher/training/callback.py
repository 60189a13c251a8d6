"""Follows the training loop at the moments for which `Trainer` has no method to override."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from ..collation.data_collator import DataCollatorForDistillation

if TYPE_CHECKING:
    from ..trainer import MultiTeacherDistillationTrainer


class StepKeeper(TrainerCallback):
    """Starts the epochs and steps of a distillation run, and keeps the means of the components between two logs.

    Args:
        trainer: Whose collator follows the epochs and whose projections are zeroed.
    """

    def __init__(self, trainer: "MultiTeacherDistillationTrainer") -> None:
        self.trainer, self.epoch, self.steps, self.first_step = trainer, 0, 0, 0
        self.sums: dict[str, Tensor] = {}

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Count the epochs from where a resume continues, and the components from nothing."""
        self.epoch, self.steps, self.sums = int(state.epoch or 0), 0, {}
        self.first_step = state.global_step

    def on_log(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Note beside the time of a resumed training from which step on it was taken."""
        if self.first_step and "train_runtime" in state.log_history[-1]:
            state.log_history[-1]["first_step"] = self.first_step

    def on_epoch_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Give the collator the epoch as the round of its draws, before the workers collate the first batch."""
        # state.epoch is a fraction where a stream ends before the expected number of steps: count here instead.
        if isinstance(self.trainer.data_collator, DataCollatorForDistillation):
            self.trainer.data_collator.set_round(self.epoch)
        self.epoch += 1

    def on_step_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Start an optimizer step: the `Trainer` zeroes the gradients of its model only."""
        self.steps += 1
        for weight in self.trainer.projections:
            weight.grad = None

    def add(self, means: Mapping[str, Tensor]) -> None:
        """Add the part of a micro-batch in the means of its step."""
        for name, mean in means.items():
            self.sums[name] = self.sums.get(name, 0) + mean.detach()

    def take_means(self, add_ranks: Callable[[Tensor], Tensor]) -> dict[str, float]:
        """Return the mean of every component over the steps since the last call, and start anew.

        Args:
            add_ranks: Adds a tensor up over all ranks.
        """
        if not self.sums:
            return {}
        means = (add_ranks(torch.stack([*self.sums.values()])) / self.steps).tolist()
        names, self.steps, self.sums = [*self.sums], 0, {}
        return dict(zip(names, means, strict=True))
