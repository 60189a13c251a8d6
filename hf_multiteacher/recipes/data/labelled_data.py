"""Examples with labels: what a fine-tuning learns from and is measured on, and the model that fits them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from datasets import Dataset, concatenate_datasets
from torch import nn
from transformers import EvalPrediction

from ...romanian.windows import split_long_sentences
from ...tokenization.columns import TAUGHT_BY
from ...tokenization.encoder import NO_LIMIT, tokenizer_fingerprint
from ...tokenization.multi_tokenizer import MultiTokenizer
from ...tokenization.settings import unchanged
from ...tokenization.words import spaced_words
from ..pretrained import load_for_labels
from ..results.answers import Answers
from .task_data import NAMES, TaskData

COLUMNS = ("words", "text", "text_pair", "labels")


@dataclass(frozen=True)
class LabelledData:
    """Examples with a label each, or one per word.

    Args:
        train: Columns `labels` and `words` (tagging), `text`, or `text` and `text_pair`; maybe `taught_by`.
        test: The same, kept for the evaluation.
        label_names: The names of the labels, by number; None for regression.
        compute_metrics: As `Trainer` takes it.
        max_length: Tokens per example at most; what the tokenizers say when None.
        encodings: What `encoded` has returned: the trainers of one reading of the data share it.
    """

    train: Dataset
    test: Dataset
    label_names: Sequence[str] | None
    compute_metrics: Callable[[EvalPrediction], dict[str, float]]
    max_length: int | None = None
    encodings: dict[tuple[str | int, ...], Dataset] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, data: TaskData, tokenizers: Sequence[Any], max_length: int) -> "LabelledData":
        """Cut a task's data to what the models read.

        Args:
            data: The task.
            tokenizers: That of the model, then those of its teachers.
            max_length: Tokens per example at most. Longer sentences of tagging are cut into windows, and measured
                whole; longer texts are truncated.
        """
        train = _in_windows(data.train, data, tokenizers, max_length)
        unmeasured = cls(train, data.test, data.label_names, Answers(data, None), max_length)
        return unmeasured.evaluated_on(data.test, data, tokenizers)

    def evaluated_on(self, part: Dataset, data: TaskData, tokenizers: Sequence[Any]) -> "LabelledData":
        """Return the same with another part to be evaluated on.

        Args:
            part: One of `data`.
            data: As for `of`.
            tokenizers: Likewise.
        """
        test = _in_windows(part, data, tokenizers, self.max_length or NO_LIMIT)
        sentences = test["sentence"][:] if data.tagging else None
        return replace(self, test=test, compute_metrics=Answers(data, sentences))

    def with_unlabelled(self, data: TaskData, examples: Dataset, tokenizers: Sequence[Any]) -> "LabelledData":
        """Add examples without labels to what is learned from.

        Args:
            data: The task of these data.
            examples: From `load_unlabelled`.
            tokenizers: As for `of`.
        """
        more = _in_windows(examples, data, tokenizers, self.max_length or NO_LIMIT)
        train = self.train.cast_column("labels", more.features["labels"])
        return replace(self, train=concatenate_datasets([train, more]))

    @property
    def columns(self) -> dict[str, str]:
        """The arguments with which `MultiTokenizer.encode` reads the data."""
        return {name: name for name in COLUMNS if name in self.train.column_names}

    def encoded(self, part: Dataset, tokenizers: MultiTokenizer, *, taught: bool) -> Dataset:
        """Encode `train` or `test`, once for the same tokenizers.

        Args:
            part: One of the two.
            tokenizers: Those of a student and its teachers.
            taught: Whether there are teachers, so that who may speak about an example stays.
        """
        kept = TAUGHT_BY if taught else ""
        limits = [each.model_max_length for each in (tokenizers.student_tokenizer, *tokenizers.teacher_tokenizers)]
        key = (part._fingerprint, kept, *tokenizers.fingerprints, *limits)

        if key not in self.encodings:
            self.encodings[key] = part.map(
                tokenizers.encode,
                batched=True,
                fn_kwargs={**self.columns, "max_length": self.max_length},
                remove_columns=[name for name in part.column_names if name != kept],
            )
        return self.encodings[key]

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


def _in_windows(part: Dataset, data: TaskData, tokenizers: Sequence[Any], max_length: int) -> Dataset:
    """Cut the sentences of tagging to what every tokenizer fits into `max_length` tokens; texts stay whole."""
    if not data.tagging:
        return part

    distinct = [*{tokenizer_fingerprint(each): each for each in tokenizers}.values()]
    with unchanged(*distinct):
        windows = split_long_sentences(part, distinct, max_length, spaced_words)
    if TAUGHT_BY not in part.column_names:
        return windows

    speakers = part[TAUGHT_BY][:]
    return windows.add_column(TAUGHT_BY, [speakers[row] for row in windows["sentence"]], feature=NAMES)
