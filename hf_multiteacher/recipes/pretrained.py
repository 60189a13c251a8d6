"""A pretrained model that a user names: its tokenizer, how long a text it reads, and whether it can learn a task."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import AutoTokenizer, PretrainedConfig
from transformers.utils import cached_file, logging

from ..models.labels import in_sentence
from ..models.limits import position_limit
from ..models.loading import expect_no_other_task, explained, load_config, load_for_fine_tuning
from ..models.task import SEQUENCE_CLASSIFICATION, TOKEN_CLASSIFICATION, Task
from ..teachers.loading import load_model
from ..teachers.teacher import Teacher
from ..tokenization.encoder import FEWEST_ENTRIES, require_fast
from .data.task_data import TaskData


@dataclass(frozen=True)
class Pretrained:
    """A pretrained encoder, before it is loaded.

    Args:
        source: An id on the Hub or a folder.
        tokenizer: A fast one.
        max_length: Tokens that the model reads at most, special ones included.
        role: What messages call it, such as `Teacher`.
    """

    source: str
    tokenizer: Any
    max_length: int
    role: str = "Model"

    @property
    def name(self) -> str:
        """The last part of the id or path."""
        return self.source.rstrip("/").split("/")[-1]

    @classmethod
    def find(cls, source: str, role: str) -> "Pretrained":
        """Find a model's tokenizer and limit.

        Args:
            source: An id on the Hub or a folder.
            role: What messages call it, such as `Teacher`.

        Raises:
            ValueError: There is no model, or no tokenizer beside it, or it is an adapter alone.
            TypeError: The tokenizer is not a fast one.
        """
        _refuse_adapter(source, role)
        tokenizer = load_tokenizer(source, role)
        require_fast(in_sentence(f"{role} '{source}'"), tokenizer)

        with _found(source, role, "configuration"):
            config = load_config(source)
            limit = position_limit(config)

        return cls(source, tokenizer, min(tokenizer.model_max_length, limit), role)

    @property
    def owner(self) -> str:
        """What messages call it."""
        return f"{self.role} '{self.source}'"

    def expect_to_learn(self, tasks: Sequence[TaskData]) -> None:
        """Refuse a model that cannot be loaded for one of the tasks, before any of them is worked on.

        Raises:
            ValueError: It cannot, or was fine-tuned for another task.
        """
        config = load_config(self.source)
        for task in tasks:
            expect_no_other_task(self.owner, config, _task(task.tagging), head_for(task.label_names))

        for task in tasks[:1]:  # the rest of the weights is the same for all
            load_for_labels(self.source, self.owner, task.label_names, tagging=task.tagging)


def load_tokenizer(source: str, role: str = "Teacher") -> Any:
    """Load the tokenizer that stands beside a model.

    Raises:
        ValueError: There is none.
    """
    with _found(source, role, "tokenizer"):
        tokenizer: Any = AutoTokenizer.from_pretrained(source)

    if len(tokenizer) < FEWEST_ENTRIES:
        raise ValueError(f"{role} '{source}' has no tokenizer beside it. Save it there: tokenizer.save_pretrained.")
    return tokenizer


def shared_limit(models: list[Pretrained], max_length: int | None) -> int:
    """Return the tokens per text for models that read the same texts: `max_length`, or what all of them can read.

    Raises:
        ValueError: `max_length` is more than one of them reads, or leaves no room beside the special tokens.
    """
    shortest = min(models, key=lambda model: model.max_length)
    if max_length is not None and max_length > shortest.max_length:
        raise ValueError(
            f"max_length is {max_length}, but '{shortest.source}' reads {shortest.max_length} tokens at most. "
            "Give no more, or leave it out."
        )

    limit = shortest.max_length if max_length is None else max_length
    expect_room_for_text(limit, [model.tokenizer for model in models], pair=True)
    return limit


def expect_room_for_text(max_length: int, tokenizers: Sequence[Any], *, pair: bool) -> None:
    """Refuse a number of tokens per text that one of the tokenizers fills with special tokens.

    Args:
        max_length: Tokens per text at most.
        tokenizers: Those of all models that read the text.
        pair: Whether an input may be of two texts.

    Raises:
        ValueError: There is no room for text.
    """
    special = max(tokenizer.num_special_tokens_to_add(pair=pair) for tokenizer in tokenizers)
    if max_length <= special:
        raise ValueError(
            f"max_length is {max_length}, but up to {special} tokens of an input are special ones, so the models "
            "would see no text. Give more."
        )


def load_for_labels(source: str, owner: str, label_names: Sequence[str] | None, *, tagging: bool) -> nn.Module:
    """Load a pretrained encoder in float32 with a head for labels.

    Args:
        source: A folder or an id.
        owner: What messages call it.
        label_names: The names of the labels, by number; None for regression.
        tagging: Whether words have labels, or whole texts.

    Raises:
        ValueError: It cannot be loaded, or was fine-tuned for another task or other labels.
    """
    # That the head is new, and the vocabulary's is not used, is the purpose here and needs no warning.
    with _without_warnings():
        return load_for_fine_tuning(source, owner, _task(tagging), head_for(label_names))


def head_for(label_names: Sequence[str] | None) -> dict[str, Any]:
    """Return what a configuration says of labels; None for regression."""
    if label_names is None:
        return {"num_labels": 1, "problem_type": "regression"}

    names = dict(enumerate(label_names))
    return {"id2label": names, "label2id": {name: number for number, name in names.items()}}


def expect_teachers(sources: Sequence[str], task: Task) -> None:
    """Refuse teachers that cannot be loaded, or are not trained for a task over the vocabulary, before any work.

    Raises:
        ValueError: There is one.
    """
    for source in sources:
        teacher = Teacher(source)
        with _without_warnings():
            load_model(teacher, teacher.public_id, task, PretrainedConfig(), torch.float32)


def _refuse_adapter(source: str, role: str) -> None:
    """Refuse a PEFT adapter without its model's configuration: nothing there says its labels or how long it reads."""
    with _found(source, role, "configuration"):
        adapter, config = (
            cached_file(source, name, _raise_exceptions_for_missing_entries=False)
            for name in ("adapter_config.json", "config.json")
        )

    if adapter is not None and config is None:
        raise ValueError(
            f"{role} '{source}' is a PEFT adapter without the configuration of its model, so nobody knows its labels: "
            "merge it into the model (merge_and_unload), and save that with its tokenizer. In Python, "
            "MultiTeacherDistillationTrainer takes adapters as they are."
        )


@contextmanager
def _found(source: str, role: str, part: str) -> Iterator[None]:
    """Tell a model that is nowhere from one with a broken part."""
    try:
        with explained(f"{role} '{source}'", part):
            yield
    except ValueError as error:
        if Path(source).is_dir() or not isinstance(error.__cause__, OSError):
            raise
        raise ValueError(
            f"{role} '{source}' cannot be loaded: it is neither a folder with a model and its tokenizer (as "
            "save_pretrained writes them) nor a model that can be had from the Hub "
            f"({type(error.__cause__).__name__}). Correct the path or the id (owner/name), run `hf auth login` "
            "for a private or gated model, or unset HF_HUB_OFFLINE."
        ) from error


def _task(tagging: bool) -> Task:
    return TOKEN_CLASSIFICATION if tagging else SEQUENCE_CLASSIFICATION


@contextmanager
def _without_warnings() -> Iterator[None]:
    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
