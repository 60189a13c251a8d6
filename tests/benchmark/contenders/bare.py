"""A loop without `Trainer` that does what ours does, and nothing beside it: what the plug-in itself costs."""

import torch
from torch import Tensor

from hf_multiteacher.losses.joint import JointLoss, RowTargets
from hf_multiteacher.models.row_forward import RowForward

from ..clock import Clock
from ..loop import run_loop
from ..models import student, teachers
from ..settings import HARD_WEIGHT, SOFT_WEIGHT, TEMPERATURE
from ..workload import Batch, Workload


def train(workload: Workload, clock: Clock) -> None:
    """Train in a bare loop: every head at the labelled rows only."""
    model, models = student(workload.settings), teachers(workload.settings)
    clock.models_are_loaded()

    run_student, *run_teachers = [RowForward(each, "a model") for each in (model, *models)]
    loss = JointLoss(TEMPERATURE, "probabilities", equal_weights)

    def loss_of(batch: Batch) -> Tensor:
        rows = batch["labels"] != -100
        logits = run_student(model, batch, rows)[1]
        with torch.no_grad():
            said = [run(teacher, batch, rows)[1] for run, teacher in zip(run_teachers, models, strict=True)]

        followed = torch.ones(len(said), len(logits), dtype=torch.bool, device=logits.device)
        targets = RowTargets(said, [None] * len(said), followed, [True] * len(said), batch["labels"][rows])
        return loss(logits, targets, SOFT_WEIGHT / len(logits), HARD_WEIGHT / len(logits))[0].sum()

    run_loop(workload, model, clock, loss_of)


def equal_weights(logits: list[Tensor], labels: list[Tensor] | None, followed: Tensor) -> Tensor:
    """Weigh all teachers alike on every row."""
    return followed / len(followed)
