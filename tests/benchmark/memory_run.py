"""One training whose memory is measured, in a process of its own."""

from pathlib import Path
from typing import Any

from .clock import MEGABYTE, Clock, memory_now, memory_peak
from .distillation import make_trainer
from .models import saved_teachers, student
from .settings import Settings
from .workload import Workload

WAYS = ("live", "in turn", "filling a cache", "from a cache")


def measure(folder: Path, way: str) -> dict[str, Any]:
    """Train, and return the most megabytes over what the process had before models were loaded."""
    settings = Settings.load(folder)
    if way == "write":
        return {"teachers": saved_teachers(settings, folder, write=True)}

    before, clock = memory_now(settings.device), Clock(settings)
    workload, model = Workload(folder, settings, "natural", []), student(settings)
    clock.models_are_loaded()
    make_trainer(workload, model, saved_teachers(settings, folder), clock, **_options(folder, way)).train()
    return {"peak_megabytes": (memory_peak(settings.device) - before) / MEGABYTE}


def _options(folder: Path, way: str) -> dict[str, Any]:
    if way == "in turn":
        return {"teacher_device": way}
    return {} if way == "live" else {"teacher_cache": str(folder / "cache")}
