"""The whole job in minutes, without a network: a corpus, two teachers, a distilled student, two tasks, one table."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from transformers import AutoModelForMaskedLM, EvalPrediction, PreTrainedTokenizerFast, Trainer, set_seed
from transformers.trainer import TRAINER_STATE_NAME

from ...losses.functional import IGNORED_LABEL
from ...models.student import student_from_teacher
from ...models.task import MASKED_LM
from ...report.benchmark import compare
from ...report.card import write_model_card
from ...romanian.synthetic.sentences import generate_sentences
from ...teachers.ensemble import Teacher
from ...tokenization.multi_tokenizer import MultiTokenizer
from ...trainer import MultiTeacherDistillationTrainer
from ...training.checkpoint import save_manifest
from ...training_args import DistillationTrainingArguments
from ...whole_file import copy_whole, write_whole
from ..configuration.checks import SEEDS, check_output_folder
from ..data.labelled_data import LabelledData
from ..fine_tuning import fine_tune
from ..pretraining import masked_lm_trainer, new_modern_bert, train_wordpiece
from ..results.run_folder import METRICS
from ..terminal.progress import Progress
from .report import ALONE, CORPUS, MASKED_LM_LOSS, STUDENT, TASKS, TEACHERS, Model, card, figures, table

VOCABULARIES = {False: 1000, True: 800}
HARD_ONLY = {"soft_target_weight": 0.0, "hard_label_weight": 1.0}
HELD_OUT, MEASURED = 500, 1000
MAX_LENGTH = 48
STAGES = 15  # corpus, two teachers, two students, four fine-tunings for each of two tasks, speed, save


@dataclass(frozen=True)
class Scale:
    """How much work a demo is.

    Args:
        sentences: Sentences of the masked-LM corpus.
        layers: Layers of a teacher; the student has half of them.
        hidden_size: Width of every model.
        teacher_steps: Optimizer steps of a teacher's masked-LM training.
        student_steps: Optimizer steps of the student's.
        teacher_labelled: Sentences with labels on which the teachers are fine-tuned, in four passes.
        student_labelled: The first of them, on which the students are, in eight.
    """

    sentences: int = 16000
    layers: int = 4
    hidden_size: int = 64
    teacher_steps: int = 1800
    student_steps: int = 300
    teacher_labelled: int = 1500
    student_labelled: int = 400


QUICK = Scale(sentences=1500, teacher_steps=60, student_steps=30, teacher_labelled=90, student_labelled=30)


class Demo:
    """One run of the demo; every number that it prints is measured in it.

    Args:
        output_dir: Where the student is left; must not hold anything.
        seed: The same seed gives the same table on the same machine, latency apart.
        scale: How much work to do.
        verbose: Show what the libraries have to say of it.
    """

    def __init__(
        self, output_dir: str | Path, seed: int = 0, scale: Scale | None = None, *, verbose: bool = False
    ) -> None:
        check_output_folder(output_dir)
        if not 0 <= seed < SEEDS:
            raise ValueError(f"The seed must be a number from 0 to {SEEDS - 1}, got {seed}.")

        self.output_dir = Path(output_dir)
        self.seed = seed
        self.scale = scale or Scale()
        self.models: dict[str, Model] = {}
        self.progress = Progress(STAGES, verbose=verbose)

    def run(self) -> str:
        """Do everything and return the table."""
        with tempfile.TemporaryDirectory() as scratch, one_thread(), self.progress:
            self.scratch = Path(scratch)

            texts = self._corpus()
            for name, lowercase in TEACHERS.items():
                self._train_teacher(name, lowercase, texts)
            trainer = self._distil(texts)

            fine_tuned = {task: self._fine_tune(task) for task in TASKS}
            self._measure_speed(fine_tuned["xpos"])
            self._save(trainer)

        return table(self.models)

    def _arguments(self, **changes: Any) -> DistillationTrainingArguments:
        settings: dict[str, Any] = {
            "output_dir": str(self.scratch / "run"),
            "seed": self.seed,
            "per_device_train_batch_size": 16,
            "per_device_eval_batch_size": 64,
            "learning_rate": 4e-3,
            "warmup_steps": 0.1,
            "adam_beta2": 0.98,
            "train_sampling_strategy": "group_by_length",
            "logging_strategy": "no",
            "save_strategy": "no",
            "report_to": "none",
            "logging_nan_inf_filter": False,
            "use_cpu": True,
        }

        set_seed(self.seed)
        return DistillationTrainingArguments(**settings | changes)

    def _corpus(self) -> Dataset:
        self.progress.stage("Write a corpus from a grammar of Romanian")
        sentences = generate_sentences(self.scale.sentences, seed=self.seed)
        return Dataset.from_dict({"text": [sentence.text for sentence in sentences]})

    def _train_teacher(self, name: str, lowercase: bool, texts: Dataset) -> None:
        self.progress.stage(f"Train the {name} from scratch: masked-language modelling")
        size = VOCABULARIES[lowercase]
        tokenizer = train_wordpiece(texts["text"], size, lowercase=lowercase, max_length=MAX_LENGTH)

        args = self._arguments(max_steps=self.scale.teacher_steps)
        model = new_modern_bert(tokenizer, layers=self.scale.layers, hidden_size=self.scale.hidden_size)
        self._train(masked_lm_trainer(model, tokenizer, texts.skip(HELD_OUT), args))
        self._keep(name, model, tokenizer)

    def _train(self, trainer: Trainer) -> None:
        self.progress.follow(trainer)
        trainer.train()

    def _keep(self, name: str, model: Any, tokenizer: PreTrainedTokenizerFast) -> Model:
        folder = self.scratch / name
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)

        self.models[name] = Model(folder, tokenizer)
        return self.models[name]

    def _distil(self, texts: Dataset) -> MultiTeacherDistillationTrainer:
        """Train the same student twice, on the same masks: with the teachers, and from the text alone."""
        encoded = self._encode(texts)
        steps = self.scale.student_steps
        logged: dict[str, Any] = {"logging_strategy": "steps", "logging_steps": steps // 10}

        self.progress.stage("Train the student without teachers: masked-language modelling")
        self._train_student(ALONE, encoded, self._arguments(max_steps=steps, **HARD_ONLY))
        self.progress.stage("Distil the student from both teachers: masked-language modelling")
        trainer = self._train_student(STUDENT, encoded, self._arguments(max_steps=steps, **logged))

        first, second = TEACHERS
        # The first teacher reads what the student reads, so its loss on the same masks can be compared.
        self.models[first].figures[MASKED_LM_LOSS] = self._loss_of(first, trainer)
        self.models[second].figures[MASKED_LM_LOSS] = "another vocabulary"
        return trainer

    def _encode(self, texts: Dataset) -> Dataset:
        tokenizers = [self.models[name].tokenizer for name in TEACHERS]
        multi_tokenizer = MultiTokenizer(tokenizers[0], tokenizers)
        return texts.map(multi_tokenizer.encode, batched=True, fn_kwargs={"text": "text"}, remove_columns=["text"])

    def _train_student(
        self, name: str, encoded: Dataset, args: DistillationTrainingArguments
    ) -> MultiTeacherDistillationTrainer:
        first = self.models[next(iter(TEACHERS))]
        trainer = MultiTeacherDistillationTrainer(
            model=student_from_teacher(first.folder, layers=self.scale.layers // 2),
            args=args,
            teachers=self._teachers(),
            train_dataset=encoded.skip(HELD_OUT),
            eval_dataset=encoded.take(HELD_OUT),
            processing_class=first.tokenizer,
        )

        self._train(trainer)

        model = self._keep(name, trainer.model, first.tokenizer)
        model.figures[MASKED_LM_LOSS] = trainer.evaluate()["eval_loss"]
        return trainer

    def _loss_of(self, name: str, trainer: MultiTeacherDistillationTrainer) -> float:
        """Measure a teacher as if it were the student: on the same masks."""
        measured = MultiTeacherDistillationTrainer(
            model=AutoModelForMaskedLM.from_pretrained(self.models[name].folder, dtype=torch.float32),
            args=self._arguments(report_loyalty=False),
            teachers=self._teachers(),
            eval_dataset=trainer.eval_dataset,
            processing_class=trainer.processing_class,
        )

        self.progress.follow(measured)
        return measured.evaluate()["eval_loss"]

    def _teachers(self) -> list[Teacher]:
        return [Teacher(self.models[name].folder, name=name) for name in TEACHERS]

    def _fine_tune(self, task: str) -> dict[str, Any]:
        """Fine-tune the teachers from many labels, then the students from few of them; return the models."""
        data = labelled_data(task, self.scale.teacher_labelled, self.seed)
        few = replace(data, train=data.train.take(self.scale.student_labelled))
        fine_tuned: dict[str, Any] = {}

        for name, model in self.models.items():
            self.progress.stage(f"Fine-tune the {name}: {TASKS[task]}")
            taught = name not in TEACHERS
            changes: dict[str, Any] = HARD_ONLY if name == ALONE else {}
            args = self._arguments(num_train_epochs=8 if taught else 4, learning_rate=3e-3, **changes)
            teachers = [
                Teacher(fine_tuned[each], tokenizer=self.models[each].tokenizer, name=each)
                for each in TEACHERS
                if taught
            ]

            trainer, metrics = fine_tune(
                data.load_model(model.folder),
                model.tokenizer,
                few if taught else data,
                args,
                teachers,
                progress=self.progress,
            )

            fine_tuned[name] = trainer.model
            model.keep(task, metrics)

        return fine_tuned

    def _measure_speed(self, models: dict[str, Any]) -> None:
        self.progress.stage("Measure size and speed, side by side")
        words = [sentence.words for sentence in generate_sentences(32, seed=self.seed + 1)]
        inputs = {
            name: self.models[name].tokenizer(
                words, is_split_into_words=True, padding=True, truncation=True, return_tensors="pt"
            )
            for name in models
        }

        for name, row in compare(models, inputs, reference=STUDENT).items():
            self.models[name].sizes = row

    def _save(self, trainer: MultiTeacherDistillationTrainer) -> None:
        self.progress.stage("Save the student with its card and charts")
        for file in self.models[STUDENT].folder.iterdir():
            copy_whole(file, self.output_dir / file.name)

        self._save_figures(trainer)
        sentences = self.scale.sentences - HELD_OUT
        command = f"hf-multiteacher demo --seed {self.seed}{' --quick' * (self.scale == QUICK)}"
        name = self.output_dir.absolute().name
        write_model_card(card(self.models, trainer, name, sentences, command), self.output_dir)

    def _save_figures(self, trainer: MultiTeacherDistillationTrainer) -> None:
        """Leave what `hf-multiteacher report` draws, as `distill` does."""
        figures(self.models).write(self.output_dir / METRICS, task=MASKED_LM.name, measured_on=CORPUS)
        save_manifest(self.output_dir, trainer.distillation_objective.manifest())
        write_whole(self.output_dir / TRAINER_STATE_NAME, lambda part: trainer.state.save_to_json(str(part)))
        if answers := trainer.compared_answers():
            answers.write(self.output_dir)


def labelled_data(task: str, count: int, seed: int) -> LabelledData:
    """Generate sentences with labels, one per word or one each: so many to train on, and others to measure on."""
    sentences = generate_sentences(count + MEASURED, seed=seed + 1)
    labels = [getattr(sentence, task) for sentence in sentences]
    tagging = isinstance(labels[0], list)
    names = sorted({tag for tags in labels for tag in tags} if tagging else set(labels))
    number = {name: index for index, name in enumerate(names)}
    rows = [
        {"words": sentence.words, "labels": [number[tag] for tag in label]}
        if tagging
        else {"text": sentence.text, "labels": number[label]}
        for sentence, label in zip(sentences, labels, strict=True)
    ]

    return LabelledData(Dataset.from_list(rows[:count]), Dataset.from_list(rows[count:]), names, accuracy)


def accuracy(prediction: EvalPrediction) -> dict[str, float]:
    """Share of the labelled words or sentences whose label is right."""
    right = np.asarray(prediction.predictions).argmax(axis=-1) == prediction.label_ids
    return {"accuracy": float(right[prediction.label_ids != IGNORED_LABEL].mean())}


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one thread: for models this small, more of them cost more than they bring."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)

    try:
        yield
    finally:
        torch.set_num_threads(threads)
