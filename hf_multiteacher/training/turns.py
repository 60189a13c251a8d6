"""Teachers in turn: who speaks in which epoch."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments


class TeacherTurns(TrainerCallback):
    """Lets the teachers speak that the schedule names, when an epoch begins.

    Attributes:
        schedule: Epoch, from 0 -> the names of those that speak from then on; before the first of them all do. The
            trainer sets it.
        let_speak: Told the names, None for all teachers; likewise.
        epoch: The number of the next epoch.
    """

    def __init__(self) -> None:
        self.schedule: Mapping[int, Sequence[str]] = {}
        self.let_speak: Callable[[Sequence[str] | None], None] | None = None
        self.epoch = 0

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Count the epochs from where a resume continues."""
        self.epoch = int(state.epoch or 0)

    def on_epoch_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Let those speak whose turn it is."""
        begun = [epoch for epoch in self.schedule if epoch <= self.epoch]
        if self.let_speak is not None:
            self.let_speak(self.schedule[max(begun)] if begun else None)

        self.epoch += 1


def expect_turns(schedule: Mapping[int, Sequence[str]], followed: Mapping[str, float]) -> None:
    """Refuse a schedule that names somebody who is not followed, or nobody.

    Args:
        schedule: As for `TeacherTurns`.
        followed: Teacher name -> its fixed weight.

    Raises:
        ValueError: It does.
    """
    known = [name for name, weight in followed.items() if weight]
    for epoch, names in schedule.items():
        if not names or not set(names) <= set(known):
            raise ValueError(
                f"teacher_schedule lists which of {known} speak from an epoch on, but for epoch {epoch} it has "
                f"{[*names]}, so the student would follow nobody or somebody who has no weight. Name at least one of "
                "them."
            )
