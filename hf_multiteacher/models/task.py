"""The tasks that can be distilled, in one table: how a model's class is named, loaded and used, and what a row is."""

from dataclasses import dataclass
from typing import Any, Literal, cast

from peft import PeftModel
from torch import nn
from transformers import (
    AutoModelForMaskedLM,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    PreTrainedModel,
)


@dataclass(frozen=True)
class Task:
    """What is fixed about a task.

    Attributes:
        name: What messages and model cards call it.
        class_suffix: How the names of its models' classes end.
        auto_class: What loads a model with its head.
        pipeline: The Hub's name for it, and that of transformers' pipeline.
        row: What one row of logits is about: a token, or a whole example.
        over_vocabulary: Whether its classes are the entries of a tokenizer's vocabulary; else they are labels.
    """

    name: str
    class_suffix: str
    auto_class: Any
    pipeline: str
    row: Literal["token", "example"]
    over_vocabulary: bool = False

    def __str__(self) -> str:
        return self.name

    @property
    def token_level(self) -> bool:
        """Whether a row is a token."""
        return self.row == "token"


MASKED_LM = Task("masked-lm", "ForMaskedLM", AutoModelForMaskedLM, "fill-mask", "token", over_vocabulary=True)
TOKEN_CLASSIFICATION = Task(
    "token-classification", "ForTokenClassification", AutoModelForTokenClassification, "token-classification", "token"
)
SEQUENCE_CLASSIFICATION = Task(
    "sequence-classification",
    "ForSequenceClassification",
    AutoModelForSequenceClassification,
    "text-classification",
    "example",
)
TASKS = {task.name: task for task in (MASKED_LM, TOKEN_CLASSIFICATION, SEQUENCE_CLASSIFICATION)}


def without_adapters(model: nn.Module) -> PreTrainedModel:
    """Return the transformers model inside a PEFT model; any other model as it is."""
    return cast(PreTrainedModel, model.get_base_model() if isinstance(model, PeftModel) else model)


def task_of(model: nn.Module) -> Task:
    """Tell the task of a model from its class, looking through PEFT.

    Args:
        model: A transformers model, or a PEFT model around one.

    Raises:
        ValueError: The class, and every class that it extends, serves another task.
    """
    inner = without_adapters(model)

    for ancestor in type(inner).__mro__:
        for task in TASKS.values():
            if ancestor.__name__.endswith(task.class_suffix):
                return task

    suffixes = ", ".join(task.class_suffix for task in TASKS.values())
    raise ValueError(
        f"Distillation works between models whose class ends in {suffixes}, but this one is {type(inner).__name__}, "
        "so it has no head that a student and its teachers could share. Load it with AutoModelForMaskedLM, "
        "AutoModelForTokenClassification or AutoModelForSequenceClassification."
    )
