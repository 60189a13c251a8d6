"""What every distillation from a configuration does in the same way: train the student, measure it, leave it."""

import logging
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from textwrap import fill
from typing import Any, TypeVar

from transformers.trainer import TRAINER_STATE_NAME

from ..hub.files import PushError
from ..trainer import MultiTeacherDistillationTrainer
from ..training_args import DistillationTrainingArguments
from ..whole_file import write_whole
from .configuration.configuration import DistillationConfig
from .results.figures import WIDTH, Figures
from .results.record import write_config
from .stopping import expect_finished
from .terminal.progress import Progress

logger = logging.getLogger(__name__)
T = TypeVar("T")
STUDENT = "student"


class Distillation:
    """A distillation from a configuration; a subclass reads the data, and may have more to do or to leave.

    Args:
        config: What is distilled.
        args: The arguments of the training.
        given: The values that the user gave, as `read_config` returns them.
    """

    trainer: MultiTeacherDistillationTrainer
    stages = 3

    def __init__(
        self, config: DistillationConfig, args: DistillationTrainingArguments, given: Mapping[str, Any]
    ) -> None:
        self.config = config
        self.args = args
        self.given = given
        self.decided: dict[str, Any] = {}
        self.failed: list[str] = []  # what was to be left beside the student, and could not

    # ---- For a subclass to fill in ----

    metric: str | None = None  # the main figure; None where the losses are
    measured = ""  # on what

    def prepare(self, progress: Progress) -> None:
        """Load and check everything, so that what can be refused is refused before any work."""
        raise NotImplementedError

    def train_teachers(self, progress: Progress) -> None:
        """Do what comes before the student's training."""

    def trainings(self) -> Iterator[tuple[str, MultiTeacherDistillationTrainer]]:
        """Yield, after `prepare` and in place of `train`, the trainer of every training with its title: to look at."""
        yield STUDENT, self.trainer

    def write_answers(self) -> None:
        """Write what the models have answered in the last evaluation."""

    goes_on = "The same command with --resume-from-checkpoint true goes on from there."  # after a stop

    # ---- What is common ----

    def train(self, progress: Progress) -> None:
        """Train the teachers where they need it, and the student.

        Raises:
            TrainingStoppedError: The training was asked to stop.
        """
        self.train_teachers(progress)
        progress.stage(f"Distil the student from {teachers_in_words(self.trainer.teachers.names)}")
        progress.follow(self.trainer)
        self.trainer.train(resume_from_checkpoint=self.args.resume_from_checkpoint)
        expect_finished(self.trainer, self.goes_on)

    def finish(self, progress: Progress, command: str) -> str:
        """Save the student with all that was measured, and return the table for the screen.

        The student is saved first, and stays whatever fails behind it; that is said in a line and noted in `failed`,
        and the rest is done.

        Args:
            progress: Is told of it.
            command: What the user called.

        Raises:
            OSError: The student is saved, but something else could not be written.
            PushError: The student is saved, but could not be pushed.
        """
        progress.stage("Measure and save")
        self.trainer.save_model(_internal_call=True)  # before anything can go wrong; the push comes with the card
        figures = self._unless_it_fails("Measuring the student", self._measure)

        if self.trainer.is_world_process_zero():
            self._write(figures)
        self._publish(command)
        folder = self.args.output_dir
        if figures is None:
            return f"\nThe student, which could not be measured: {folder}/\n"
        return (
            f"\n{figures.table()}\n\nMeasured on {self.measured}.\n"
            f"Student, card and all figures: {folder}/; `hf-multiteacher report {folder}` draws them on a page.\n"
        )

    def _measure(self) -> Figures:
        return Figures.of(self.trainer, self._evaluate(), self.metric)

    def _evaluate(self) -> dict[str, float]:
        return self.trainer.evaluate()

    def _write(self, figures: Figures | None) -> None:
        folder = Path(str(self.args.output_dir))
        if figures is not None:
            about = {"task": self.config.task, "measured_on": self.measured}
            self._unless_it_fails("Writing metrics.json", lambda: figures.write(folder / "metrics.json", **about))
            self._unless_it_fails("Writing the predictions", self.write_answers)
            self._unless_it_fails("Writing what a report compares", lambda: self._write_compared(folder))

        record = folder / "config.yaml", self.config, self.args, self.given, self.decided
        self._unless_it_fails("Writing config.yaml", lambda: write_config(*record))
        self._unless_it_fails("Writing trainer_state.json", lambda: self._write_log(folder / TRAINER_STATE_NAME))

    def _write_log(self, file: Path) -> None:
        """Write what was logged, which a report draws."""
        write_whole(file, lambda part: self.trainer.state.save_to_json(str(part)))

    def _write_compared(self, folder: Path) -> None:
        if answers := self.trainer.compared_answers():
            answers.write(folder)

    def _publish(self, command: str) -> None:
        """Write the card, and push where that was asked for."""
        card = self.card()
        if not self.args.push_to_hub:
            self._unless_it_fails("Writing the card", lambda: self.trainer.create_model_card(command=command, **card))
            return

        try:
            self.trainer.push_to_hub(command=command, **card)
        except Exception as error:  # of whatever kind: the card may fail too
            again = f"hf-multiteacher push {self.args.output_dir} {self.trainer.hub_model_id}"
            other = f"Nothing was pushed ({type(error).__name__}: {error})."
            reason = error if isinstance(error, PushError) else other
            raise PushError(f"{reason} The student is saved; `{again}` pushes it.") from error

    def _unless_it_fails(self, what: str, work: Callable[[], T]) -> T | None:
        """Do what comes behind the training, and say in a line where it fails: the student is saved.

        Raises:
            OSError: There is no room, or nobody who reads; what comes next would fail too.
        """
        try:
            return work()
        except OSError:
            raise
        except Exception as error:
            self.failed.append(what)
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            logger.warning("%s failed, and the run goes on without it; the student is saved. (%s)", what, reason)
            return None

    def card(self) -> dict[str, Any]:
        """Return what the card is told beside the command."""
        return {"measured_on": self.measured}

    def say(self, notes: Sequence[str]) -> None:
        """Tell the user something, once."""
        if self.args.process_index == 0:
            sys.stderr.writelines(f"{fill(note, WIDTH)}\n" for note in notes)


def teachers_in_words(names: Sequence[str]) -> str:
    """Say how many teachers there are, as a title does."""
    return {1: "the teacher", 2: "both"}.get(len(names), f"all {len(names)}")
