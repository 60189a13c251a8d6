"""`MultiTeacherDistillationTrainer` with every teacher's outputs on disk."""

from dataclasses import fields

from hf_multiteacher import DistillationTrainingArguments

from ..clock import Clock
from ..distillation import make_trainer
from ..models import saved_teachers, student
from ..workload import Workload
from . import NotAvailable


def prepare(workload: Workload) -> None:
    """Write the teachers, and fill the cache by a training like the one that is measured."""
    expect_cache()
    saved_teachers(workload.settings, workload.folder, write=True)

    train(workload, Clock(workload.settings))


def train(workload: Workload, clock: Clock) -> None:
    """Train with our trainer from the cache."""
    model = student(workload.settings)
    clock.models_are_loaded()

    folders = saved_teachers(workload.settings, workload.folder)
    make_trainer(workload, model, folders, clock, teacher_cache=str(workload.folder / "cache")).train()


def expect_cache() -> None:
    """Raise NotAvailable where the package has no cache."""
    if "teacher_cache" not in {field.name for field in fields(DistillationTrainingArguments)}:
        raise NotAvailable("DistillationTrainingArguments has no teacher_cache in this version")
