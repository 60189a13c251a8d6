"""`MultiTeacherDistillationTrainer` with live teachers."""

from ..clock import Clock
from ..distillation import make_trainer
from ..models import student, teachers
from ..workload import Workload


def train(workload: Workload, clock: Clock) -> None:
    """Train with our trainer."""
    model, models = student(workload.settings), teachers(workload.settings)
    clock.models_are_loaded()

    make_trainer(workload, model, models, clock).train()
