"""When the outputs of teachers that are kept on disk are written, and shared among the ranks of a run."""

from collections.abc import Sequence
from typing import Any, cast

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from ..teachers.kept_outputs import Keeping, KeptOutputs
from ..training_args import DistillationTrainingArguments


def keeping_of(args: DistillationTrainingArguments) -> Keeping | None:
    """Return how a run keeps its teachers' outputs; None where it does not."""
    if args.teacher_cache is None:
        return None

    layers = cast("dict[int, int]", args.layer_map or {-1: -1}) if args.hidden_state_weight else {}
    return Keeping(args.teacher_cache, args.teacher_cache_dtype, [*dict.fromkeys(layers.values())])


class KeepOutputs(TrainerCallback):
    """Writes what the teachers have said, with every log and save, and reads what other ranks wrote, every epoch.

    Each example is computed and written by the rank that has it; no two write one file.

    Args:
        kept: The outputs of each teacher.
    """

    def __init__(self, kept: Sequence[KeptOutputs]) -> None:
        self.kept = kept

    def on_epoch_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Take up what all ranks have written in the epochs before."""
        args.distributed_state.wait_for_everyone()
        for each in self.kept:
            each.refresh()

    def _flush(self, *event: Any, **kwargs: Any) -> None:
        for each in self.kept:
            each.flush()

    on_epoch_end = on_log = on_save = on_evaluate = on_predict = on_train_end = _flush
