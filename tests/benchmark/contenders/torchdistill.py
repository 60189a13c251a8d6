"""torchdistill's `DistillationBox` with its `KDLoss`, on texts padded to one length.

It has one teacher, so several are one module whose answer is their mean distribution, and models whose output is the
logits of the labelled rows: the loss is then that of the others.
"""

import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import softmax

from ..clock import Clock
from ..models import student, teachers
from ..settings import HARD_WEIGHT, LEARNING_RATE, MAX_GRADIENT_NORM, SOFT_WEIGHT, TEMPERATURE
from ..training import autocast
from ..workload import Batch, Workload


class AbsentModule(ModuleType):
    """Stands in for torchvision, from which torchdistill imports names that it does not use here."""

    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (nn.Module,), {})


ABSENT = [
    "torchvision",
    *(f"torchvision.{name}" for name in ("datasets", "models", "models.densenet", "models.resnet")),
]


class RowsOf(nn.Module):
    """A model whose output is its logits at the labelled rows."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, batch: Batch) -> Tensor:
        return self.model(batch["input_ids"], batch["attention_mask"]).logits[batch["labels"] != -100]


class Ensemble(nn.Module):
    """Several teachers as one, whose softened distribution is the mean of theirs."""

    def __init__(self, models: Sequence[nn.Module]) -> None:
        super().__init__()
        self.models = nn.ModuleList(RowsOf(model) for model in models)

    def forward(self, batch: Batch) -> Tensor:
        distributions = [softmax(model(batch) / TEMPERATURE, dim=-1) for model in self.models]
        return TEMPERATURE * torch.stack(distributions).mean(dim=0).log()


def train(workload: Workload, clock: Clock) -> None:
    """Train with torchdistill."""
    settings = workload.settings
    model, models = student(settings), teachers(settings)
    sys.modules |= {name: AbsentModule(name) for name in ABSENT}
    from torchdistill.core.distillation import DistillationBox

    clock.models_are_loaded()
    box = DistillationBox(
        Ensemble(models), RowsOf(model), {}, _configuration(), torch.device(settings.device), None, False, 1
    )
    clock.attach(box.optimizer, model)
    box.pre_epoch_process(epoch=0)
    box.teacher_model.eval()

    for padded in workload.padded():
        batch = {name: values.to(settings.device) for name, values in padded.items()}
        with autocast(settings):
            loss = box.forward_process(batch, batch["labels"][batch["labels"] != -100])
        box.post_forward_process(loss)


def _configuration() -> dict[str, Any]:
    whole = {"student_module_path": ".", "student_module_io": "output"}
    whole |= {"teacher_module_path": ".", "teacher_module_io": "output"}
    loss = {"key": "KDLoss", "kwargs": whole | {"temperature": TEMPERATURE, "alpha": HARD_WEIGHT, "beta": SOFT_WEIGHT}}

    return {
        "num_epochs": 1,
        "teacher": {"requires_grad": False, "forward_proc": "forward_batch_only"},
        "student": {"forward_proc": "forward_batch_only"},
        "optimizer": {"key": "AdamW", "kwargs": {"lr": LEARNING_RATE}, "max_grad_norm": MAX_GRADIENT_NORM},
        "criterion": {"key": "WeightedSumLoss", "kwargs": {"sub_terms": {"kd": {"criterion": loss, "weight": 1.0}}}},
    }
