"""Checkpoints of which a half one is told from a whole one, and a resume that takes the newest whole one."""

import logging
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import takewhile
from pathlib import Path
from typing import Any, cast

from safetensors import SafetensorError
from torch import Tensor, nn
from transformers import Trainer
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR, TrainOutput

from .checkpoint import (
    begin_checkpoint,
    expect_whole,
    holds_student_alone,
    is_finished,
    lacks,
    list_files,
    newest_first,
    newest_whole_checkpoint,
)
from .finite_steps import expect_finite_weights

logger = logging.getLogger(__name__)
TORCH_COULD_NOT_WRITE = re.compile("PytorchStreamWriter|inline_container")
"""What torch says, as a plain `RuntimeError`, of a file that could not be written."""


class CheckpointNotWrittenError(OSError):
    """A checkpoint could not be written, for example on a full disk; the ones before it stay."""


class WholeCheckpointsMixin(Trainer):
    """Has a `Trainer` with teachers tell half-written checkpoints from whole ones; without teachers, as ever."""

    _has_teachers: bool

    def train(
        self,
        resume_from_checkpoint: str | bool | None = None,
        trial: Any = None,
        ignore_keys_for_eval: list[str] | None = None,
    ) -> TrainOutput:
        """Train as `Trainer` does; with teachers, a run goes on from a checkpoint that is whole.

        Args:
            resume_from_checkpoint: As in `Trainer`. With True, half-written checkpoints are passed over, and a run
                that has no other ones starts from the beginning; a line of the log says so.
            trial: As in `Trainer`.
            ignore_keys_for_eval: As in `Trainer`.

        Raises:
            ValueError: The checkpoint that is named is not whole.
            NotFiniteError: A part of the loss is NaN or infinite, or what was learned from it.
            CheckpointNotWrittenError: A checkpoint could not be written.
        """
        if self._has_teachers and resume_from_checkpoint:
            resume_from_checkpoint = self._whole(resume_from_checkpoint)
        output = super().train(resume_from_checkpoint, trial, ignore_keys_for_eval)

        if self._has_teachers:
            self._expect_finite_weights(cast(nn.Module, self.model), "the training has failed")
        return output

    def _whole(self, wanted: str | bool) -> str | bool | None:
        """Return the checkpoint to go on from, None to start from the beginning, or what `Trainer` will refuse."""
        named = None if wanted is True else cast(str, wanted)
        if not (newest_first(self._output_folder) if named is None else Path(named).is_dir()):
            return wanted

        if named is not None:
            expect_whole(named)
        chosen = newest_whole_checkpoint(self._output_folder) if named is None else named

        if self.is_world_process_zero():
            self._tell_how_it_goes_on(chosen, passed_over=named is None)
        return chosen

    @property
    def _output_folder(self) -> str:
        return cast(str, self.args.output_dir)

    def _tell_how_it_goes_on(self, chosen: str | None, *, passed_over: bool) -> None:
        newer = takewhile(lambda each: str(each) != chosen, newest_first(self._output_folder) if passed_over else ())
        half = [f"{each.name} ({'; '.join(lacks(each))})" for each in newer]
        if half:
            start = "starts from the beginning" if chosen is None else f"goes on from {Path(chosen).name}"
            logger.warning("The run %s. Not whole, and passed over: %s.", start, ", ".join(half))

        if chosen and holds_student_alone(Path(chosen)):
            logger.warning(
                "%s holds the student alone, as save_only_model=True leaves it: the optimizer, its learning rates and "
                "the random numbers start anew.",
                Path(chosen).name,
            )

    def _init_training_state(
        self,
        max_steps: int,
        num_update_steps_per_epoch: int,
        num_train_epochs: int,
        resume_from_checkpoint: str | None,
        trial: Any,
    ) -> tuple[int, int]:
        """Set up a run as `Trainer` does, which goes one step too far where a run was killed after its last save."""
        place = super()._init_training_state(
            max_steps, num_update_steps_per_epoch, num_train_epochs, resume_from_checkpoint, trial
        )

        finished = self._has_teachers and self.state.global_step >= max_steps
        return (num_train_epochs, 0) if finished else place

    def _save_checkpoint(self, model: nn.Module, trial: Any) -> None:
        """Save as `Trainer` does, so that what is cut off at any moment is not taken for whole.

        Raises:
            CheckpointNotWrittenError: A file could not be written.
            NotFiniteError: The student's weights are NaN or infinite.
        """
        if not self._has_teachers:
            super()._save_checkpoint(model, trial)
            return

        run = Path(self._get_output_dir(trial))
        checkpoint = run / f"{PREFIX_CHECKPOINT_DIR}-{self.state.global_step}"
        self._expect_finite_weights(model, f"{checkpoint.name} is not written, and the ones before it stay")
        with _told_in_one_line(checkpoint):
            if self.args.should_save:
                self._make_way(run, checkpoint)
            self.accelerator.wait_for_everyone()

            super()._save_checkpoint(model, trial)
            if self.args.should_save:
                list_files(checkpoint)

    def _expect_finite_weights(self, model: nn.Module, consequence: str) -> None:
        expect_finite_weights(model, consequence, self._over_ranks if self.args.world_size > 1 else None)

    @property
    def _over_ranks(self) -> Callable[[Tensor], Tensor]:
        """What adds a tensor up over all ranks; it does not hold the trainer, so whoever keeps it does not either."""
        return partial(self.accelerator.reduce, reduction="sum")

    def _make_way(self, run: Path, checkpoint: Path) -> None:
        """Begin a checkpoint; where a number of them is kept, half ones go, so that none outlives a whole one."""
        begin_checkpoint(checkpoint)

        if self.args.save_total_limit:
            for other in newest_first(run):
                if other != checkpoint and not is_finished(other):
                    shutil.rmtree(other, ignore_errors=True)

    def _save_rng_state(self, output_dir: str) -> None:
        """Save as `Trainer` does, and let no rank go on to what is written last before all have written theirs."""
        super()._save_rng_state(output_dir)
        if self._has_teachers:
            self.accelerator.wait_for_everyone()


@contextmanager
def _told_in_one_line(checkpoint: Path) -> Iterator[None]:
    """Say which file of a checkpoint could not be written.

    Raises:
        CheckpointNotWrittenError: One could not.
    """
    try:
        yield
    except (OSError, SafetensorError) as error:
        raise _not_written(checkpoint, getattr(error, "strerror", None) or error) from error
    except RuntimeError as error:
        if not TORCH_COULD_NOT_WRITE.search(str(error)):
            raise
        raise _not_written(checkpoint, error) from error


def _not_written(checkpoint: Path, reason: object) -> CheckpointNotWrittenError:
    files = [path for path in checkpoint.rglob("*") if path.is_file()]
    last = max(files, key=lambda path: path.stat().st_mtime_ns, default=checkpoint)
    free = f"{shutil.disk_usage(checkpoint).free:,} bytes are free there" if checkpoint.is_dir() else "it is no folder"

    return CheckpointNotWrittenError(
        f"The checkpoint cannot be written to {last} ({' '.join(str(reason).split())}; {free}). It is not taken for "
        "whole, and the ones before it stay. Make room, and go on with resume_from_checkpoint=True."
    )
