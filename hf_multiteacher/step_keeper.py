"""Calls the trainer at the moments of the training loop for which `Trainer` has no method to override."""

from typing import TYPE_CHECKING, Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from .data_collator import DataCollatorForDistillation

if TYPE_CHECKING:
    from .trainer import MultiTeacherDistillationTrainer


class StepKeeper(TrainerCallback):
    """Starts epochs and optimizer steps of a distillation run."""

    def __init__(self, trainer: "MultiTeacherDistillationTrainer") -> None:
        self.trainer, self.epoch = trainer, 0

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Count the epochs from where a resume continues."""
        self.epoch = int(state.epoch or 0)
        self.trainer.forget_components()

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
        """Start an optimizer step."""
        self.trainer.begin_step()
