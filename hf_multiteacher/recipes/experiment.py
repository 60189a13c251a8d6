"""One Romanian task from pretrained models to a table: teachers fine-tuned, the student distilled from them."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from datasets import Dataset
from transformers import set_seed

from ..hub.push import make_repository, repository_name
from ..report.tables import figures_table
from ..romanian.loading import load_task
from ..romanian.metrics import read_predictions
from ..romanian.splits import gold_file
from ..teachers.ensemble import Teacher
from ..trainer import MultiTeacherDistillationTrainer
from ..training_args import DistillationTrainingArguments
from .checks import check_fine_tuning, check_output_folder
from .fine_tuning import fine_tune, make_trainer
from .labelled_data import LabelledData
from .pretrained import Pretrained, shared_limit
from .rehearsal import expect_best_metric

PAPER_TEACHERS = ["dumitrescustefan/bert-base-romanian-cased-v1", "readerbench/RoBERT-base"]
PAPER_STUDENT = "racai/distilbert-multi-base-romanian-cased"
NOT_SHOWN = ("runtime", "per_second", "epoch", "preparation_time", "soft_loss", "hidden_loss")
EXAMPLES_OF_A_REHEARSAL = 8
Metrics = dict[str, float]


@dataclass
class ExperimentArguments:
    """What an experiment is made of; `--teachers` stands among the arguments of the training."""

    data: str | None = field(
        default=None, metadata={"help": "`synthetic`, a folder with the original files, or nothing to download them."}
    )
    student: str = field(default=PAPER_STUDENT, metadata={"help": "The pretrained student: an id or a folder."})
    max_length: int | None = field(
        default=None, metadata={"help": "Tokens per text at most. Default: what all of the models can read."}
    )
    predictions: bool = field(
        default=False, metadata={"help": "Write every model's predictions in the layout of the data set (tagging)."}
    )


class Experiment:
    """A task, its teachers and its student, loaded and checked.

    Args:
        key: `upos`, `xpos`, `ner`, `sapn`, `sar`, `di` or `sts`.
        experiment: What it is made of.
        args: The arguments of every training. Teachers go to `teacher-0`, `teacher-1` in its output folder.

    Raises:
        ValueError: Data, models or arguments cannot be used, or the output folder holds something.
        OSError: There is no such data, or the student is to be pushed and the Hub does not allow it.
    """

    def __init__(self, key: str, experiment: ExperimentArguments, args: DistillationTrainingArguments) -> None:
        check_fine_tuning(args)
        if args.should_save:
            check_output_folder(str(args.output_dir))

        self.experiment = experiment
        self.args = args
        self.task = load_task(key, experiment.data)
        if experiment.predictions and self.task.definition.prediction_file is None:
            raise ValueError("predictions are files of words with tags, which this task does not have. Leave it out.")

        self.teachers = [Pretrained.find(source, "Teacher") for source in args.teachers or PAPER_TEACHERS]
        self.student = Pretrained.find(experiment.student, "Student")
        models = [self.student, *self.teachers]
        limit = shared_limit(models, experiment.max_length)
        for model in models:
            model.expect_to_learn([self.task])

        # One reading for all: student and teachers differ by what they learnt, not by where a sentence is cut.
        self.data = LabelledData.from_task(self.task, [model.tokenizer for model in models], limit)

        self._rehearse()
        if args.push_to_hub and args.should_save:  # what stands in the way of a push is found before hours of training
            make_repository(repository_name(args), private=args.hub_private_repo, token=args.hub_token)

    def run(self) -> dict[str, Metrics]:
        """Fine-tune every teacher, then the student on what they say; return the metrics of all, the student last."""
        figures: dict[str, Metrics] = {}
        teachers: list[Teacher] = []
        for number, model in enumerate(self.teachers):
            folder = f"{self.args.output_dir}/teacher-{number}"
            alone = replace(self.args, teachers=None, output_dir=folder, push_to_hub=False)
            trainer, figures[f"teacher-{number} ({model.name})"] = self._fine_tune(model, alone)
            teachers.append(Teacher(cast(Any, trainer.model), tokenizer=model.tokenizer))

        self.trainer, figures[f"student ({self.student.name})"] = self._fine_tune(self.student, self.args, teachers)
        return figures

    def _rehearse(self) -> None:
        """Make the student's trainer on a few examples and teachers that learned nothing, so that it refuses now.

        Otherwise the teachers would be fine-tuned first.
        """
        data = replace(self.data, train=_first(self.data.train), test=_first(self.data.test))
        student, *teachers = (data.load_model(model.source, model.owner) for model in (self.student, *self.teachers))
        described = [
            Teacher(cast(Any, teacher), tokenizer=model.tokenizer)
            for teacher, model in zip(teachers, self.teachers, strict=True)
        ]

        with TemporaryDirectory() as scratch:
            args = replace(self.args, teachers=None, output_dir=scratch, push_to_hub=False)
            trainer = make_trainer(student, self.student.tokenizer, data, args, described)
            expect_best_metric(trainer, cast(Dataset, trainer.eval_dataset))

    def push(self) -> None:
        """Push the student where that was asked for."""
        if self.args.push_to_hub:
            self.trainer.push_to_hub()

    def _fine_tune(
        self, model: Pretrained, args: DistillationTrainingArguments, teachers: Sequence[Teacher] = ()
    ) -> tuple[MultiTeacherDistillationTrainer, Metrics]:
        """Fine-tune one model, and save it with its tokenizer, its metrics and, when asked, its predictions."""
        data = self.data
        set_seed(args.seed)
        trainer, metrics = fine_tune(data.load_model(model.source, model.owner), model.tokenizer, data, args, teachers)

        if not args.push_to_hub:  # else the push, which comes last, saves it
            trainer.save_model()
        trainer.save_metrics("eval", metrics)
        if self.experiment.predictions:
            self._write_predictions(trainer, data.test["sentence"][:])
        return trainer, metrics

    def _write_predictions(self, trainer: MultiTeacherDistillationTrainer, sentences: list[int]) -> None:
        output = trainer.predict(cast(Any, trainer.eval_dataset))
        if not trainer.is_world_process_zero():
            return

        task, split, folder = self.task, self.task.measured_split, Path(str(trainer.args.output_dir))
        tags, _ = read_predictions(task, output, sentences)
        source, words = gold_file(task.definition.source, self.experiment.data, split), task.data[split]["words"][:]
        if file := task.definition.prediction_file:
            file.write(folder / file.name, words, tags, source=source)


def _first(part: Dataset) -> Dataset:
    return part.select(range(min(EXAMPLES_OF_A_REHEARSAL, len(part))))


def report(metric: str, figures: dict[str, Metrics]) -> str:
    """Lay the metrics of all models out as a table, the main one first, and the student's loyalty as another.

    Args:
        metric: Name of the main figure.
        figures: Model -> metrics of the evaluation; the student's hold `label_loyalty/<teacher>` and the like.
    """
    quality: dict[str, Metrics] = {model: {} for model in figures}
    loyalty: dict[str, Metrics] = {}
    for model, metrics in figures.items():
        for name, value in metrics.items():
            measure, _, teacher = name.removeprefix("eval_").partition("/")
            if measure.endswith("loyalty"):
                loyalty.setdefault(teacher, {})[measure] = value
            elif not teacher and not measure.endswith(NOT_SHOWN):
                quality[model][measure] = value

    tables = [_table("model", quality, first=metric)]
    if loyalty:
        tables.append(_table("the student's loyalty to", loyalty))
    return "\n\n".join(tables)


def _table(corner: str, rows: dict[str, Metrics], first: str | None = None) -> str:
    measured = [name for row in rows.values() for name in row]
    names = dict.fromkeys([first, *measured] if first else measured)
    return figures_table(corner, {name: name.replace("_", " ") for name in names}, rows)
