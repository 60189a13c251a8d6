"""What every distillation from a configuration does in the same way: train the student, measure it, leave it."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import fill
from typing import Any

from transformers.trainer import TRAINER_STATE_NAME

from ..hub.files import PushError
from ..trainer import MultiTeacherDistillationTrainer
from ..training_args import DistillationTrainingArguments
from ..whole_file import write_whole
from .configuration.configuration import DistillationConfig
from .results.figures import WIDTH, Figures
from .results.record import write_config
from .terminal.progress import Progress


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

    # ---- For a subclass to fill in ----

    metric: str | None = None  # the main figure; None where the losses are
    measured = ""  # on what

    def prepare(self, progress: Progress) -> None:
        """Load and check everything, so that what can be refused is refused before any work."""
        raise NotImplementedError

    def train_teachers(self, progress: Progress) -> None:
        """Do what comes before the student's training."""

    def write_answers(self) -> None:
        """Write what the models have answered in the last evaluation."""

    # ---- What is common ----

    def train(self, progress: Progress) -> None:
        """Train the teachers where they need it, and the student."""
        self.train_teachers(progress)
        progress.stage(f"Distil the student from {teachers_in_words(self.trainer.teachers.names)}")
        progress.follow(self.trainer)
        self.trainer.train(resume_from_checkpoint=self.args.resume_from_checkpoint)

    def finish(self, progress: Progress, command: str) -> str:
        """Save the student with all that was measured, and return the table for the screen.

        Args:
            progress: Is told of it.
            command: What the user called.

        Raises:
            PushError: The student is saved, but could not be pushed.
        """
        progress.stage("Measure and save")
        self.trainer.save_model(_internal_call=True)  # before anything can go wrong; the push comes with the card
        figures = Figures.of(self.trainer, self._evaluate(), self.metric)

        if self.trainer.is_world_process_zero():
            self._write(figures)
        self._publish(command)
        folder = self.args.output_dir
        return (
            f"\n{figures.table()}\n\nMeasured on {self.measured}.\n"
            f"Student, card and all figures: {folder}/; `hf-multiteacher report {folder}` draws them on a page.\n"
        )

    def _evaluate(self) -> dict[str, float]:
        return self.trainer.evaluate()

    def _write(self, figures: Figures) -> None:
        folder = Path(str(self.args.output_dir))
        figures.write(folder / "metrics.json", task=self.config.task, measured_on=self.measured)
        write_config(folder / "config.yaml", self.config, self.args, self.given, self.decided)
        write_whole(folder / TRAINER_STATE_NAME, lambda part: self.trainer.state.save_to_json(str(part)))
        if answers := self.trainer.compared_answers():
            answers.write(folder)
        self.write_answers()

    def _publish(self, command: str) -> None:
        """Write the card, and push where that was asked for."""
        card = self.card()
        if not self.args.push_to_hub:
            self.trainer.create_model_card(command=command, **card)
            return

        try:
            self.trainer.push_to_hub(command=command, **card)
        except PushError as error:
            again = f"hf-multiteacher push {self.args.output_dir} {self.trainer.hub_model_id}"
            raise PushError(f"{error} The student is saved; `{again}` pushes it.") from error

    def card(self) -> dict[str, Any]:
        """Return what the card is told beside the command."""
        return {}

    def say(self, notes: Sequence[str]) -> None:
        """Tell the user something, once."""
        if self.args.process_index == 0:
            sys.stderr.writelines(f"{fill(note, WIDTH)}\n" for note in notes)


def teachers_in_words(names: Sequence[str]) -> str:
    """Say how many teachers there are, as a title does."""
    return {1: "the teacher", 2: "both"}.get(len(names), f"all {len(names)}")
