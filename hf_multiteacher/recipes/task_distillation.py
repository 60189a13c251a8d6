"""A task from labelled data: teachers that know it or learn it first, and the student that follows them."""

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from math import isnan
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from datasets import Dataset, concatenate_datasets
from torch import nn
from transformers import set_seed

from ..hub.push import make_repository, repository_name
from ..models.student import student_from_teacher
from ..romanian.loading import load_task
from ..teachers.ensemble import Teacher, unique_names
from ..tokenization.columns import TAUGHT_BY
from ..trainer import MultiTeacherDistillationTrainer
from ..training_args import DistillationTrainingArguments
from .configuration.checkpoints import find_checkpoint
from .configuration.checks import refuse_best_checkpoint, refuse_resume
from .configuration.configuration import DistillationConfig
from .configuration.rehearsal import expect_best_metric
from .data.fewer_labels import keep_labels
from .data.label_inventory import take_inventory
from .data.labelled_data import LabelledData
from .data.own_task import load_own_task
from .data.task_data import TaskData
from .data.unlabelled_text import load_unlabelled
from .fine_tuning import evaluate_on, make_trainer
from .pretrained import Pretrained, shared_limit
from .results.answers import Answers
from .results.prediction_files import write_predictions
from .run import Distillation
from .stopping import LearnedNothingError, expect_finished
from .student_vocabulary import find_student_tokenizer, is_trimmed
from .task_teachers import TaskTeacher, find_teachers
from .terminal.progress import Progress

EXAMPLES_OF_A_REHEARSAL = 8
ONLY_TRAINED: dict[str, Any] = {
    "teachers": None,
    "teacher_weights": None,
    "push_to_hub": False,
    "eval_strategy": "no",
    "save_strategy": "no",
    "load_best_model_at_end": False,
    "metric_for_best_model": None,
}
"""How the arguments of a teacher's fine-tuning differ from the student's."""


class TaskDistillation(Distillation):
    """A distillation on labelled data.

    Args:
        config: What is distilled.
        args: The arguments of every training.
        given: The values that the user gave.

    Raises:
        ValueError: A teacher cannot be had, or knows another task.

    Attributes:
        held_out_by: The seed by which examples to be measured on are held out, where the data have no part for it;
            None for that of the run.
    """

    held_out_by: int | None = None

    def __init__(
        self, config: DistillationConfig, args: DistillationTrainingArguments, given: Mapping[str, Any]
    ) -> None:
        super().__init__(config, args, given)
        self.found = find_teachers(args.teachers or [], config)
        self.stages += len(self._to_fine_tune)
        if self._to_fine_tune:
            refuse_resume(args, "a teacher is fine-tuned first, and every fine-tuning starts anew")

    @property
    def _to_fine_tune(self) -> list[TaskTeacher]:
        return [teacher for teacher in self.found if teacher.fine_tune]

    @property
    def goes_on(self) -> str:  # type: ignore[override]
        """What to do after a stop."""
        if self._to_fine_tune:
            return "Start again in an empty folder: where teachers are fine-tuned first, a run cannot be continued."
        return super().goes_on

    @property
    def _names(self) -> list[str]:
        """What the teachers are called."""
        return unique_names([Teacher(teacher.model.source) for teacher in self.found])

    # ---- Before any work ----

    def prepare(self, progress: Progress) -> None:
        """Read the data, and make the student's trainer; on a few examples where the teachers are still to learn."""
        progress.stage("Read the data")
        self._read()
        self.measured = self.task.measured
        self.metric = self.task.metric
        self._decide()

        self._rehearse()
        if self.args.push_to_hub and self.args.should_save:  # what stands in its way is found before hours of training
            make_repository(repository_name(self.args), private=self.args.hub_private_repo, token=self.args.hub_token)

    def _read(self) -> None:
        """Read the data as student and teachers will, and find the student."""
        self.task = self._load_task()
        self.say(self.task.notes)
        if self.task.validation is None:
            refuse_best_checkpoint(self.args, "Leave it out, or give data with a part validation and a part test.")
        self.without_labels = self._take_labels()

        self._find_student()
        models = [self.student, *(teacher.model for teacher in self.found)]
        self.limit = shared_limit(models, self.config.max_length)
        self._expect_learners()

        # One reading for all: student and teachers differ by what they learnt, not by where a sentence is cut.
        tokenizers = [model.tokenizer for model in models]
        self.data = LabelledData.of(self.task, tokenizers, self.limit)
        self.students_data = self._with_validation(self._with_unlabelled(tokenizers), tokenizers)

    def _load_task(self) -> TaskData:
        knowing = [] if self.args.partial_labels else [each.names for each in self.found if each.names is not None]
        if self.config.own_task:
            seed = self.args.seed if self.held_out_by is None else self.held_out_by
            return load_own_task(self.config, knowing, seed, self._names)

        task = TaskData.of(load_task(self.config.task, cast(Any, self.config.data)))
        return in_order_of(task, knowing)

    def _take_labels(self) -> list[Dataset]:
        """Take the labels from the examples that are to have none, and return these."""
        if self.config.labelled_rows is None:
            return []

        self.task, others = keep_labels(self.task, self.config.labelled_rows)
        return [others]

    def _with_unlabelled(self, tokenizers: Sequence[Any]) -> LabelledData:
        """Add the examples without labels, from which the student alone learns."""
        if not self.config.has_unlabelled:
            return self.data

        more = concatenate_datasets([*self.without_labels, *self._unlabelled_text()])
        more = more.select(range(min(len(more), self.config.unlabelled_rows or len(more))))
        self.say([f"{len(more)} examples without labels: the student learns from the teachers alone there."])
        return self.data.with_unlabelled(self.task, more, tokenizers)

    def _unlabelled_text(self) -> list[Dataset]:
        config = self.config
        if config.unlabelled is None:
            return []

        text = load_unlabelled(
            config.unlabelled,
            self.task,
            text_column=config.text_column,
            second_text_column=config.second_text_column,
            speakers=self._names,
        )
        return [text]

    def _with_validation(self, data: LabelledData, tokenizers: Sequence[Any]) -> LabelledData:
        """Have what comes before the end go over the validation part, where that is not what is measured on."""
        if self.task.validation is None or not self.looks_at_validation:
            return data
        return data.evaluated_on(self.task.validation, self.task, tokenizers)

    @property
    def looks_at_validation(self) -> bool:
        """Whether the training looks at held-out examples before its end."""
        return self.args.eval_strategy != "no" or self.args.calibrate_teachers

    def _find_student(self) -> None:
        """Find the student's name, tokenizer and limit; made from a teacher, it has those of the teacher."""
        first = self.found[0].model
        if self.config.student is None and self.args.partial_labels:
            raise ValueError(
                "partial_labels is for a student that has the labels of the data, but without a student one would be "
                "made from the first teacher, with the labels of that. Name a pretrained model as the student."
            )
        if self.config.student is not None:
            self.student, self.own_tokenizer = Pretrained.find(self.config.student, "Student"), None
            return

        read = [self.task.train, *self.without_labels] if is_trimmed(self.config.vocabulary) else []
        texts = [text for part in read for text in _texts(part)]
        self.own_tokenizer = find_student_tokenizer(self.config.vocabulary, first.tokenizer, texts)
        self.student = replace(first, tokenizer=self.own_tokenizer or first.tokenizer, role="Student")

    def _expect_learners(self) -> None:
        """Refuse models that are to learn the task and cannot."""
        learners = [teacher.model for teacher in self._to_fine_tune]
        for model in [*learners, *([self.student] if self.config.student is not None else [])]:
            model.expect_to_learn([self.task])

    def _decide(self) -> None:
        """Note what the user has left open."""
        self.decided = {
            **self.task.columns,
            "max_length": self.limit,
            "fine_tune_teachers": any(teacher.fine_tune for teacher in self.found),
        }
        if self.config.student is None:
            self.decided["student_layers"] = self.config.student_layers or "spread"

    def _rehearse(self) -> None:
        """Make the student's trainer, on teachers that have learned nothing where they are to be fine-tuned.

        Otherwise the teachers would be fine-tuned before it refuses.
        """
        if not self._to_fine_tune:
            teachers = [self._as_it_is(each) for each in self.found]
            self.trainer = self._make_trainer(self.students_data, self.args, teachers)
            expect_best_metric(self.trainer, _first(cast(Dataset, self.trainer.eval_dataset)))
            if checkpoint := find_checkpoint(self.args):
                self.trainer.check_checkpoint(checkpoint)
            return

        few = replace(self.students_data, train=_first(self.data.train), test=_first(self.students_data.test))
        teachers = [self._untrained(teacher) for teacher in self.found]
        with TemporaryDirectory() as scratch:
            args = replace(self.args, teachers=None, output_dir=scratch, push_to_hub=False, calibrate_teachers=False)
            trainer = self._make_trainer(few, args, teachers)
            expect_best_metric(trainer, cast(Dataset, trainer.eval_dataset))

    def _untrained(self, teacher: TaskTeacher) -> Teacher:
        if not teacher.fine_tune:
            return self._as_it_is(teacher)
        model = self.data.load_model(teacher.model.source, teacher.model.owner)
        return Teacher(cast(Any, model), tokenizer=teacher.model.tokenizer)

    def _as_it_is(self, teacher: TaskTeacher) -> Teacher:
        return Teacher(teacher.model.source, tokenizer=teacher.model.tokenizer)

    def _make_trainer(
        self, data: LabelledData, args: DistillationTrainingArguments, teachers: Sequence[Teacher]
    ) -> MultiTeacherDistillationTrainer:
        set_seed(args.seed)
        return make_trainer(self._make_student(teachers[0]), self.student.tokenizer, data, args, teachers)

    def _make_student(self, first: Teacher) -> nn.Module:
        """Load the student, or make it from the first teacher, of which it then has the head too."""
        if self.config.student is not None:
            return self.data.load_model(self.student.source, self.student.owner)

        return student_from_teacher(
            cast(Any, first.model),
            self.config.student_layers or "spread",
            self.config.student_architecture or "same",
            tokenizer=self.own_tokenizer,
            teacher_tokenizer=cast(Any, first.tokenizer) if self.own_tokenizer else None,
        )

    # ---- Training ----

    def train_teachers(self, progress: Progress) -> None:
        """Fine-tune the teachers that do not know the task yet, each into a folder of its own."""
        if not self._to_fine_tune:
            return

        teachers = []
        for number, teacher in enumerate(self.found, 1):
            teachers.append(
                self._fine_tuned(number, teacher, progress) if teacher.fine_tune else self._as_it_is(teacher)
            )
        self.trainer = self._make_trainer(self.students_data, self.args, teachers)

    def _fine_tuned(self, number: int, teacher: TaskTeacher, progress: Progress) -> Teacher:
        progress.stage(f"Fine-tune the teacher {teacher.model.name}")
        trainer = self._teachers_trainer(number, teacher)
        progress.follow(trainer)
        trainer.train()
        expect_finished(trainer, self.goes_on)
        trainer.save_model()
        self._say_figure(teacher.model.name, trainer)
        return Teacher(cast(Any, trainer.model), tokenizer=teacher.model.tokenizer)

    def _say_figure(self, name: str, trainer: MultiTeacherDistillationTrainer) -> None:
        """Say what a teacher has learned, before a student follows it.

        Raises:
            LearnedNothingError: There is no figure, as all its answers are the same.
        """
        figure = trainer.evaluate()[f"eval_{self.metric}"]
        if isnan(figure) and len({*self.task.test["labels"][:]}) > 1:  # else nobody has a correlation
            raise LearnedNothingError(
                f"The teacher {name} has learned nothing: it gives the same number to every example. Change its "
                "learning_rate, warm up longer (warmup_steps), or give it more steps."
            )
        if trainer.is_world_process_zero():
            sys.stderr.write(f"  {str(self.metric).replace('_', ' ')} {figure:.4f}\n")

    def _teachers_trainer(self, number: int, teacher: TaskTeacher) -> MultiTeacherDistillationTrainer:
        args = replace(self.args, output_dir=f"{self.args.output_dir}/teacher-{number}", **ONLY_TRAINED)
        set_seed(args.seed)
        model = self.data.load_model(teacher.model.source, teacher.model.owner)
        return make_trainer(model, teacher.model.tokenizer, self.data, args)

    def trainings(self) -> Iterator[tuple[str, MultiTeacherDistillationTrainer]]:
        """Yield the trainer of every training; the student's has untrained teachers where they will learn."""
        for number, teacher in enumerate(self.found, 1):
            if teacher.fine_tune:
                yield f"teacher {number}", self._teachers_trainer(number, teacher)

        if self._to_fine_tune:
            stand_ins = [self._untrained(teacher) for teacher in self.found]
            self.trainer = self._make_trainer(self.students_data, self.args, stand_ins)
        yield from super().trainings()

    # ---- Afterwards ----

    def _evaluate(self) -> dict[str, float]:
        answers = cast(Answers, self.data.compute_metrics)
        answers.kept.clear()  # those of evaluations during the training
        if self.students_data.compute_metrics is answers:
            return super()._evaluate()
        return evaluate_on(self.trainer, self.data)

    def write_answers(self) -> None:
        """Write what every model has answered for each example."""
        names = self.trainer.teachers.names
        answers = cast(Answers, self.data.compute_metrics).kept
        write_predictions(Path(str(self.args.output_dir)), self.config, self.task, names, answers)

    def card(self) -> dict[str, Any]:
        """Name the data, and the measure that counts."""
        measured = self.task.measured_title
        return {
            "dataset": measured,
            "training_data": self.task.title,
            "measured_on": f"{measured}: {self.measured}",
            "metric": self.metric,
        }


def in_order_of(task: TaskData, teachers: Sequence[Any]) -> TaskData:
    """Number the labels of a task as the teachers do that know them already, so that a student can have their head.

    Args:
        task: A Romanian task.
        teachers: Their `Names`; none where all are still to learn, or in regression.

    Raises:
        ValueError: They do not know these labels.
    """
    if not teachers or task.label_names is None:
        return task

    names = task.label_names
    rows = task.train["labels"][:]
    counts = Counter(names[label] for label in (chain.from_iterable(rows) if task.tagging else rows))
    counts.update(dict.fromkeys(names, 0))
    inventory = take_inventory({"train": counts}, teachers)
    number = [inventory.number[name] for name in names]

    train, test = (_renumbered(part, number) for part in (task.train, task.test))
    validation = None if task.validation is None else _renumbered(task.validation, number)
    return replace(task, train=train, test=test, validation=validation, label_names=inventory.names)


def _renumbered(part: Dataset, number: Sequence[int]) -> Dataset:
    labels = [[number[i] for i in row] if isinstance(row, list) else number[row] for row in part["labels"][:]]
    return Dataset.from_dict({**part.remove_columns("labels").to_dict(), "labels": labels})


def _texts(train: Dataset) -> list[str]:
    """Return all texts of a data set, sentences of words with spaces between them."""
    columns = [train[name][:] for name in train.column_names if name not in ("labels", TAUGHT_BY)]
    return [" ".join(text) if isinstance(text, list) else text for column in columns for text in column]


def _first(part: Dataset) -> Dataset:
    return part.select(range(min(EXAMPLES_OF_A_REHEARSAL, len(part))))
