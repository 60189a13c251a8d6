"""One training whose floating point operations are counted, in a process of its own."""

from pathlib import Path
from typing import Any

from torch.utils.flop_counter import FlopCounterMode

from .clock import Clock
from .distillation import make_trainer
from .models import saved_teachers, student
from .settings import Settings
from .workload import Workload

WAYS = ("live", "cached")


def measure(folder: Path, way: str) -> dict[str, Any]:
    """Train, and return the operations of a text."""
    settings = Settings.load(folder)
    teachers = saved_teachers(settings, folder, write=way == "live")
    workload = Workload(folder, settings, "natural", [])

    options = {} if way == "live" else {"teacher_cache": str(folder / "cache")}
    if way == "cached":
        make_trainer(workload, student(settings), teachers, Clock(settings), **options).train()
    trainer = make_trainer(workload, student(settings), teachers, Clock(settings), **options)
    with FlopCounterMode(display=False) as counter:
        trainer.train()

    return {"operations": counter.get_total_flops() / settings.examples}
