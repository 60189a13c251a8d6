"""What cannot be left out: ordinary forwards of all models, heads at labelled rows, a backward, a step; no loss."""

from typing import Any

import torch
from torch import Tensor

from ..clock import Clock
from ..loop import run_loop
from ..models import student, teachers
from ..workload import Batch, Workload


def train(workload: Workload, clock: Clock) -> None:
    """Run and step without a distillation loss: the student's logits are summed up."""
    model, models = student(workload.settings), teachers(workload.settings)
    clock.models_are_loaded()

    def loss_of(batch: Batch) -> Tensor:
        with torch.no_grad():
            for teacher in models:
                logits_at_rows(teacher, batch)
        return logits_at_rows(model, batch).sum()

    run_loop(workload, model, clock, loss_of)


def logits_at_rows(model: Any, batch: Batch) -> Tensor:
    """Run a BERT's encoder on all tokens and its head on the labelled ones."""
    states = model.base_model(batch["input_ids"], batch["attention_mask"])[0]
    return model.cls(states[batch["labels"] != -100])
