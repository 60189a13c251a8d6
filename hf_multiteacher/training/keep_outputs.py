"""When the outputs of teachers that are kept on disk are written, and shared among the ranks of a run."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from ..teachers.kept_outputs import Keeping, KeptOutputs
from ..training_args import DistillationTrainingArguments


def keeping_of(args: DistillationTrainingArguments) -> Keeping | None:
    """Return how a run keeps its teachers' outputs; None where it does not.

    Raises:
        ValueError: The folder is a file, or lies in one.
    """
    if args.teacher_cache is None:
        return None

    folder = Path(args.teacher_cache)
    file = next((place for place in (folder, *folder.parents) if place.is_file()), None)
    if file is not None:
        raise ValueError(
            f"teacher_cache is the folder in which outputs are kept, but '{file}' is a file. Name another folder."
        )

    layers = [*dict.fromkeys(args.compared_layers.values())]
    return Keeping(args.teacher_cache, args.teacher_cache_dtype, layers)


class KeepOutputs(TrainerCallback):
    """Writes what the teachers have said with every log and save, and reads what other ranks wrote with every epoch.

    Each example is computed and written by the rank that has it; no two write one file.

    Args:
        kept: The outputs of each teacher.
    """

    def __init__(self, kept: Sequence[KeptOutputs]) -> None:
        self.kept = kept

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Refuse teachers that were changed since their outputs were looked up."""
        for each in self.kept:
            each.teacher.expect_unchanged()

    def on_epoch_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Take up what all ranks have written in the epochs before."""
        args.distributed_state.wait_for_everyone()
        for each in self.kept:
            each.refresh()

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Write before a checkpoint: what went into it would be computed again, in other batches, if the run died."""
        if control.should_save:
            self._flush()

    def _flush(self, *event: Any, **kwargs: Any) -> None:
        for each in self.kept:
            each.flush()

    on_epoch_end = on_log = on_save = on_evaluate = on_predict = on_train_end = _flush
