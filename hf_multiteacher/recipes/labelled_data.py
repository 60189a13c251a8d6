"""Examples with labels: what a fine-tuning learns from and is measured on, and the model that fits them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datasets import Dataset
from torch import nn
from transformers import EvalPrediction

from ..romanian.windows import split_long_sentences
from ..tokenization.settings import unchanged
from ..tokenization.words import spaced_words
from .answers import Answers
from .pretrained import load_for_labels
from .task_data import TaskData

COLUMNS = ("words", "text", "text_pair", "labels")


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
    def of(cls, data: TaskData, tokenizers: Sequence[Any], max_length: int) -> "LabelledData":
        """Cut a task's data to what the models read.

        Args:
            data: The task.
            tokenizers: That of the model, then those of its teachers.
            max_length: Tokens per example at most. Longer sentences of tagging are cut into windows, and measured
                whole; longer texts are truncated.
        """
        train, test = data.train, data.test
        sentences = None

        if data.tagging:
            with unchanged(*tokenizers):
                train = split_long_sentences(train, tokenizers, max_length, spaced_words)
                test = split_long_sentences(test, tokenizers, max_length, spaced_words)
            sentences = test["sentence"][:]

        return cls(train, test, data.label_names, Answers(data, sentences), max_length)

    @property
    def columns(self) -> dict[str, str]:
        """The arguments with which `MultiTokenizer.encode` reads the data."""
        return {name: name for name in COLUMNS if name in self.train.column_names}

    def load_model(self, folder: str | Path, owner: str | None = None) -> nn.Module:
        """Load a pretrained encoder in float32 with a new head for these labels.

        Args:
            folder: A folder or an id.
            owner: What messages call it; by default the model of that name.

        Raises:
            ValueError: It cannot be loaded, or was fine-tuned for another task or other labels.
        """
        owner = owner or f"The model '{folder}'"
        return load_for_labels(str(folder), owner, self.label_names, tagging="words" in self.columns)
