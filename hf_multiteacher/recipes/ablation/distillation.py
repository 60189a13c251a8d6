"""One cell: a distillation as `hf-multiteacher distill` does it, of which figures and answers are kept."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from math import isnan
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any, cast

from transformers import Trainer

from ...teachers.ensemble import ENSEMBLE
from ...training.expected_outputs import ExpectedOutputs
from ...training_args import DistillationTrainingArguments
from ..configuration.arguments import make_arguments
from ..configuration.configuration import KINDS, DistillationConfig
from ..data.task_data import TaskData
from ..results.answers import Answers
from ..results.figures import STUDENT, Figures
from ..results.prediction_files import named_answers
from ..task_distillation import TaskDistillation
from ..terminal.progress import Progress
from .answered import Answered
from .arms import Arm
from .cells import Cell, refuse_other_examples
from .configuration import Keys

HELD_OUT_BY = 42
"""The seed by which examples to be measured on are held out, where data have none: the same for teachers and cells."""
NOT_SETTINGS = ("output_dir", "teacher_cache", "teacher_cache_dtype", "seed", "teachers", "report_speed", "use_cpu")
"""What does not decide about the figures, or stands elsewhere."""


class UnfitError(Exception):
    """The data or the arguments of an ablation do not fit a model; what is finished is kept."""


@contextmanager
def told_of(what: str) -> Iterator[None]:
    """Around what loads and checks everything: say of what the user can mend to what it belongs.

    Args:
        what: The first sentence of the message.

    Raises:
        UnfitError: There is something.
    """
    try:
        yield
    except (OSError, TypeError, ValueError) as error:
        raise UnfitError(f"{what}. {error}") from error


class CellDistillation(TaskDistillation):
    """A distillation that is one of many: what is to be known of its data has been said before.

    Attributes:
        shared: What others of them have read; None where there are none.
        half: The half of the examples on which arms are compared; None where it is all of them.
    """

    goes_on = "The same command goes on: what is finished is kept."
    held_out_by = HELD_OUT_BY
    shared: dict[str, dict[str, Any]] | None = None
    half: int | None = None

    def _read(self) -> None:
        """Read the data, unless another distillation has read the same."""
        if self.shared is None:
            super()._read()
            return

        key = repr((self.config, self.args.teachers, self.args.partial_labels, self.looks_at_validation))
        if key not in self.shared:
            before = {*vars(self)}
            super()._read()
            self.shared[key] = {name: each for name, each in vars(self).items() if name not in before}
        vars(self).update(self.shared[key])

    def _load_task(self) -> TaskData:
        """Where the data have no validation part, it is the half on which arms are not compared."""
        task = super()._load_task()
        if task.validation is not None or self.half is None:
            return task
        return replace(task, validation=task.test.select(range(2 - self.half, len(task.test), 2)))

    def say(self, notes: Sequence[str]) -> None:
        """Say nothing."""

    def train(self, progress: Progress) -> None:
        """Train the student, without a word about the teachers' outputs, which all cells share."""
        self.trainer.remove_callback(ExpectedOutputs)
        super().train(progress)

    def measured_cell(self, arm: Arm, settings: Keys, teachers: Sequence[str], seconds: float) -> Cell:
        """Evaluate, and return what is kept.

        Args:
            arm: The arm.
            settings: What decides about its figures.
            teachers: The names that the ablation has for the teachers.
            seconds: How long the training took.

        Raises:
            ValueError: A score does not exist.
        """
        figures = Figures.of(self.trainer, self._evaluate(), self.metric)
        if isnan(figures.student[str(self.metric)]):
            raise ValueError(f"This student has no {self.metric}: all its answers, or all labels, are the same.")
        own_names = self.trainer.teachers.names
        kept = cast(Answers, self.data.compute_metrics).kept
        answers = named_answers(own_names, kept, len(self.task.test))

        short = {**dict(zip(own_names, teachers, strict=True)), ENSEMBLE: ENSEMBLE}
        quality = {**figures.teachers, **({ENSEMBLE: figures.ensemble} if figures.ensemble else {})}
        sizes = {STUDENT: figures.sizes, **{short[name]: row for name, row in figures.teacher_sizes.items()}}
        return Cell(
            task=arm.task,
            arm=arm.name,
            seed=self.args.seed,
            settings=settings,
            metric=str(self.metric),
            measured_on=self.measured,
            quality=figures.student,
            loyalty={short[name]: row for name, row in figures.loyalty.items()},
            teachers={short[name]: row for name, row in quality.items()},
            sizes={name: dict(row) for name, row in sizes.items()},
            steps=self.trainer.state.global_step,
            seconds=round(seconds, 1),
            answers=Answered.of(self.task, {short.get(name, name): each for name, each in answers.items()}).arrays,
        )


class WithinStage:
    """Shows the trainings of a stage that somebody else has begun.

    Args:
        progress: Theirs.
    """

    def __init__(self, progress: Progress) -> None:
        self.progress = progress

    def stage(self, title: str) -> None:
        """Begin no stage of its own."""

    def follow(self, trainer: Trainer) -> None:
        """Show a training."""
        self.progress.follow(trainer)


class CellsOfTask:
    """Runs the cells of a task, which share the teachers, what these answer, and the data.

    Args:
        teachers: The teachers' names -> folders or ids, fine-tuned for the task.
        cache: Where their outputs are kept for all cells, unless an arm says where.
        half: See `CellDistillation`.
        finished: A cell of the task that was run before, if there is one: the others are measured on its examples.
    """

    def __init__(self, teachers: Mapping[str, str], cache: str, half: int | None, finished: Cell | None) -> None:
        self.teachers = teachers
        self.cache = cache
        self.half = half
        self.finished = finished
        self.shared: dict[str, dict[str, Any]] = {}

    def run(self, arm: Arm, seed: int, settings: Keys, progress: Progress) -> Cell:
        """Distil a student and measure it.

        Args:
            arm: What is done.
            seed: The seed.
            settings: What decides about the figures.
            progress: Shows the training.

        Raises:
            UnfitError: The data or the arguments do not fit.
            ValueError: A score does not exist.
        """
        keys = {"teacher_cache": self.cache, **arm.keys, "fine_tune_teachers": None}
        with self._prepared(arm, keys, seed, progress) as distillation:
            began = monotonic()
            distillation.train(cast(Any, WithinStage(progress)))
            return distillation.measured_cell(arm, settings, [*self.teachers], monotonic() - began)

    def rehearse(self, arm: Arm, seed: int, progress: Progress) -> None:
        """Refuse an arm that cannot be run, with teachers that may still have to learn; nothing of these is kept.

        Raises:
            UnfitError: The data or the arguments do not fit.
        """
        with self._prepared(arm, {**arm.keys, "teacher_cache": None}, seed, progress):
            pass

    @contextmanager
    def _prepared(self, arm: Arm, keys: Keys, seed: int, progress: Progress) -> Iterator[CellDistillation]:
        with TemporaryDirectory() as scratch:
            with told_of(f"The arm '{arm.name}' cannot be run in {arm.task}"):
                distillation = make_distillation(replace(arm, keys=keys), seed, [*self.teachers.values()], scratch)
                distillation.shared, distillation.half = self.shared, self.half
                distillation.prepare(cast(Any, WithinStage(progress)))
                if self.finished is not None:
                    refuse_other_examples(Answered.of(distillation.task, {}).numbered_by_name(), self.finished)
            yield distillation


def make_distillation(arm: Arm, seed: int, teachers: Sequence[str], output_dir: str | Path) -> CellDistillation:
    """Make a distillation; arguments as for `arguments_of`.

    Raises:
        ValueError: The arguments do not fit, or a teacher cannot be had.
    """
    return CellDistillation(*arguments_of(arm, seed, teachers, output_dir))


def arguments_of(
    arm: Arm, seed: int, teachers: Sequence[str], output_dir: str | Path
) -> tuple[DistillationConfig, DistillationTrainingArguments, Keys]:
    """Return what `Distillation` takes.

    Args:
        arm: What is done.
        seed: The seed.
        teachers: Folders or ids.
        output_dir: Where it may write.

    Raises:
        ValueError: The arguments do not fit.
    """
    values = {**arm.keys, "seed": seed, "teachers": [*teachers], "output_dir": str(output_dir)}
    config, args = make_arguments(KINDS, values)
    return config, args, values


def settings_of(arm: Arm) -> Keys:
    """Return what decides about the figures of an arm, but for its teachers and the seed."""
    return {key: value for key, value in arm.keys.items() if key not in NOT_SETTINGS and value is not None}
