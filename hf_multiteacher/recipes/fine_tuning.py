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
    TrainingArguments,
)
from transformers.utils import logging

from ..collation.data_collator import DataCollatorForDistillation
from ..romanian.metrics import trainer_metrics
from ..romanian.tasks import Task
from ..romanian.windows import split_long_sentences
from ..teachers.ensemble import Teacher
from ..tokenization.multi_tokenizer import MultiTokenizer
from ..trainer import MultiTeacherDistillationTrainer

SEEDS = 2**32
"""So many seeds there are: numpy takes no others."""


@dataclass(frozen=True)
class LabelledData:
    """Examples with a label each, or one per word.

    Args:
        train: Columns `labels` and `words` (tagging), `text`, or `text` and `text_pair`.
        test: The same, kept for the evaluation.
        label_names: The names of the labels, by number; None for regression.
        compute_metrics: As `Trainer` takes it.
        max_length: Tokens per example at most; what the tokenizers say when None.
    """

    train: Dataset
    test: Dataset
    label_names: Sequence[str] | None
    compute_metrics: Callable[[EvalPrediction], dict[str, float]]
    max_length: int | None = None

    @classmethod
    def from_task(cls, task: Task, tokenizers: Sequence[Any], max_length: int) -> "LabelledData":
        """Take a Romanian task, measured on its test part or, where that is not there, on its validation part.

        Args:
            task: The task.
            tokenizers: That of the model, then those of its teachers.
            max_length: Tokens per example at most. Longer sentences of tagging are cut into windows, and measured
                whole; longer texts are truncated.
        """
        train, test, sentences = task.data["train"], task.data[task.measured_split], None
        if "words" in train.column_names:
            train, test = (split_long_sentences(part, tokenizers, max_length) for part in (train, test))
            sentences = test["sentence"][:]
        return cls(train, test, task.label_names, trainer_metrics(task, sentences), max_length)

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


class _OrderedTrainer(MultiTeacherDistillationTrainer):
    def _get_eval_sampler(self, eval_dataset: Any) -> None:
        """Keep the data set's order, which `group_by_length` would change: by it, windows are put together again."""


def check_seed(seed: int) -> None:
    """Refuse a seed that the random generators do not take.

    Raises:
        ValueError: It is below 0 or too large.
    """
    if not 0 <= seed < SEEDS:
        raise ValueError(f"A seed must be a number from 0 to {SEEDS - 1}, but got {seed}. Give another.")


def check_fine_tuning(args: TrainingArguments) -> None:
    """Refuse arguments that a fine-tuning which is measured once, at its end, cannot follow.

    Raises:
        ValueError: There is one.
    """
    check_seed(args.seed)
    if args.load_best_model_at_end:
        raise ValueError(
            "load_best_model_at_end would choose a checkpoint by the very examples that are measured in the end, so "
            "the figures would say nothing. Leave it out."
        )
    if args.resume_from_checkpoint:
        raise ValueError("resume_from_checkpoint is not supported here: every fine-tuning starts anew. Leave it out.")


def fine_tune(
    model: nn.Module,
    tokenizer: PreTrainedTokenizerFast,
    data: LabelledData,
    args: TrainingArguments,
    teachers: Sequence[Teacher] = (),
) -> tuple[MultiTeacherDistillationTrainer, dict[str, float]]:
    """Train a model on labelled data and evaluate it.

    Args:
        model: The student, or a teacher to be.
        tokenizer: The model's.
        data: What to learn and to be measured on.
        args: The arguments of the run; with teachers, `DistillationTrainingArguments`.
        teachers: Fine-tuned teachers to learn from, each with its tokenizer.

    Returns:
        The trainer, and the evaluation's metrics: the data's own, `eval_loss`, and with teachers the loyalty to each.
    """
    readers: list[Any] = [teacher.tokenizer for teacher in teachers]
    multi_tokenizer = MultiTokenizer(tokenizer, readers)
    encoded = [
        part.map(
            multi_tokenizer.encode,
            batched=True,
            fn_kwargs={**data.columns, "max_length": data.max_length},
            remove_columns=part.column_names,
        )
        for part in (data.train, data.test)
    ]
    trainer = _OrderedTrainer(
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
