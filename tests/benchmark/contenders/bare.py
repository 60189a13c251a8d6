"""A loop without `Trainer` that does what ours does, and nothing beside it: what the plug-in itself costs."""

import torch
from torch import Tensor

from hf_multiteacher.losses import HardLabelLoss, Problem, SoftTargetLoss
from hf_multiteacher.models.row_forward import RowForward

from ..clock import Clock
from ..loop import run_loop
from ..models import student, teachers
from ..settings import HARD_WEIGHT, SOFT_WEIGHT, TEMPERATURE
from ..workload import Batch, Workload

PROBLEM: Problem = "single_label_classification"


def train(workload: Workload, clock: Clock) -> None:
    """Train in a bare loop: every head at the labelled rows only."""
    model, models = student(workload.settings), teachers(workload.settings)
    clock.models_are_loaded()

    run_student, *run_teachers = [RowForward(each, "a model") for each in (model, *models)]
    hard_loss, soft_loss = HardLabelLoss(PROBLEM), SoftTargetLoss(PROBLEM, TEMPERATURE, "probabilities")

    def loss_of(batch: Batch) -> Tensor:
        rows = batch["labels"] != -100
        logits = run_student(model, batch, rows)[1]
        with torch.no_grad():
            said = [run(teacher, batch, rows)[1] for run, teacher in zip(run_teachers, models, strict=True)]

        weights = logits.new_full((len(said), len(logits)), 1 / len(said))
        soft = soft_loss(logits, torch.stack(said), weights).mean()
        hard = hard_loss(logits, batch["labels"][rows]).mean()
        return SOFT_WEIGHT * soft + HARD_WEIGHT * hard

    run_loop(workload, model, clock, loss_of)
