"""The tasks that can be distilled, in one table: how a model's class is named, loaded and used, and what a row is."""

from dataclasses import dataclass
from typing import Any, Literal, cast

from peft import PeftModel
from torch import nn
from torch._dynamo import OptimizedModule
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


def uncompiled(model: nn.Module) -> nn.Module:
    """Return what `torch.compile` was given; any other model as it is."""
    while isinstance(model, OptimizedModule):
        model = model._orig_mod

    return model


def compiled_in_place(model: nn.Module) -> nn.Module:
    """Return a model that is compiled as before, whole or in parts, and keeps its own class and names.

    `torch.compile` puts a module around another, whose name would get into checkpoints that nothing can load.

    Raises:
        TypeError: It is no module, as what `torch.compile` makes of a model that is compiled already.
    """
    if not isinstance(model, nn.Module):
        raise TypeError(
            f"A student is a model, but got a {type(model).__name__}, which cannot be trained. If it comes from "
            "torch.compile, compile the model only once."
        )

    for parent in list(model.modules()):
        for name, child in parent.named_children():
            setattr(parent, name, _in_place(child))

    return _in_place(model)


def _in_place(model: nn.Module) -> nn.Module:
    if not isinstance(model, OptimizedModule):
        return model

    inner = model._orig_mod
    inner._compiled_call_impl = model.dynamo_ctx(inner._call_impl)  # as nn.Module.compile does
    return inner


def adapters_of(model: nn.Module) -> PeftModel | None:
    """Return the PEFT model that a model is, compiled or not; None where it is none."""
    inner = uncompiled(model)
    return inner if isinstance(inner, PeftModel) else None


def without_adapters(model: nn.Module) -> PreTrainedModel:
    """Return the transformers model inside PEFT and `torch.compile`, in any nesting; any other model as it is."""
    inner = uncompiled(model)
    while isinstance(inner, PeftModel):
        inner = uncompiled(inner.get_base_model())

    return cast(PreTrainedModel, inner)


def encoder_of(model: nn.Module) -> PreTrainedModel | None:
    """Return what a model's head stands on; None where transformers does not say."""
    inner = without_adapters(model)
    encoder = getattr(inner, "base_model", inner)
    return None if encoder is inner else encoder


def prompts_of(model: nn.Module) -> Any:
    """Return the configuration of prompt tuning and its like; None for other models."""
    adapters = adapters_of(model)
    config: Any = None if adapters is None else adapters.active_peft_config
    return config if getattr(config, "is_prompt_learning", False) else None


def task_of(model: nn.Module) -> Task:
    """Tell the task of a model from its class, looking through PEFT and `torch.compile`.

    Args:
        model: A transformers model, or what PEFT or `torch.compile` has made of one.

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
