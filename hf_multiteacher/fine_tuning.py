"""Fine-tune a pretrained encoder on a labelled task, from the labels alone or with teachers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datasets import Dataset
from torch import nn
from transformers import (
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    EvalPrediction,
    PreTrainedTokenizerFast,
)
from transformers.utils import logging

from .data_collator import DataCollatorForDistillation
from .romanian.metrics import trainer_metrics
from .romanian.tasks import Task
from .teachers import Teacher
from .tokenization import MultiTokenizer
from .trainer import MultiTeacherDistillationTrainer
from .training_args import DistillationTrainingArguments


@dataclass(frozen=True)
class LabelledData:
    """Examples with a label each, or one per word.

    Args:
        train: Columns `labels` and `words` (tagging), `text`, or `text` and `text_pair`.
        test: The same, kept for the evaluation.
        label_names: The names of the labels, by number; None for regression.
        compute_metrics: As `Trainer` takes it.
    """

    train: Dataset
    test: Dataset
    label_names: Sequence[str] | None
    compute_metrics: Callable[[EvalPrediction], dict[str, float]]

    @classmethod
    def from_task(cls, task: Task) -> "LabelledData":
        """Take a Romanian task, measured on its test part or, where that is not there, on its validation part."""
        test = task.data["test"] if "test" in task.data else task.data["validation"]
        return cls(task.data["train"], test, task.label_names, trainer_metrics(task))

    @property
    def columns(self) -> dict[str, str]:
        """The arguments with which `MultiTokenizer.encode` reads the data."""
        return {name: name for name in ("words", "text", "text_pair", "labels") if name in self.train.column_names}

    def load_model(self, folder: str | Path) -> nn.Module:
        """Load a pretrained encoder with a new head for these labels."""
        kind = AutoModelForTokenClassification if "words" in self.columns else AutoModelForSequenceClassification
        if self.label_names is None:
            head: dict[str, Any] = {"num_labels": 1, "problem_type": "regression"}
        else:
            names = dict(enumerate(self.label_names))
            head = {"id2label": names, "label2id": {name: number for number, name in names.items()}}
        verbosity = logging.get_verbosity()
        # That the head is new, and the vocabulary's is not used, is the purpose here and needs no warning.
        logging.set_verbosity_error()
        try:
            return kind.from_pretrained(folder, **head)
        finally:
            logging.set_verbosity(verbosity)


def fine_tune(
    model: nn.Module,
    tokenizer: PreTrainedTokenizerFast,
    data: LabelledData,
    args: DistillationTrainingArguments,
    teachers: Sequence[Teacher] = (),
) -> tuple[MultiTeacherDistillationTrainer, dict[str, float]]:
    """Train a model on labelled data and evaluate it.

    Args:
        model: The student, or a teacher to be.
        tokenizer: The model's.
        data: What to learn and to be measured on.
        args: The arguments of the run.
        teachers: Fine-tuned teachers to learn from, each with its tokenizer.

    Returns:
        The trainer, and the evaluation's metrics: the data's own, `eval_loss`, and with teachers the loyalty to each.
    """
    readers: list[Any] = [teacher.tokenizer for teacher in teachers]
    multi_tokenizer = MultiTokenizer(tokenizer, readers)
    encoded = [
        part.map(multi_tokenizer.encode, batched=True, fn_kwargs=data.columns, remove_columns=part.column_names)
        for part in (data.train, data.test)
    ]
    trainer = MultiTeacherDistillationTrainer(
        model=model,
        args=args,
        data_collator=DataCollatorForDistillation(multi_tokenizer),
        train_dataset=encoded[0],
        eval_dataset=encoded[1],
        processing_class=tokenizer,
        compute_metrics=data.compute_metrics,
        teachers=list(teachers),
    )
    if not teachers:
        # A mean per batch, which the Trainer would otherwise take for one that knows the whole step.
        trainer.model_accepts_loss_kwargs = False
    trainer.train()
    return trainer, trainer.evaluate()
