"""One of several ranks that train together, in a process of its own."""

from pathlib import Path
from typing import Any

import torch

from .clock import Clock
from .distillation import make_trainer
from .models import student, teachers
from .settings import Settings
from .workload import Workload

LENGTHS = "natural"


def measure(folder: Path, rank: int, ranks: int) -> dict[str, Any]:
    """Train on the rank's part of the texts, and say what a step costs."""
    settings = Settings.load(folder)
    if ranks > 1:
        meeting = f"file://{folder}/meeting-{ranks}"
        backend = "gloo" if settings.device == "cpu" else "nccl"
        torch.distributed.init_process_group(backend, init_method=meeting, rank=rank, world_size=ranks)

    workload, clock = Workload(folder, settings, LENGTHS, []), Clock(settings)
    model, models = student(settings), teachers(settings)
    clock.models_are_loaded()
    make_trainer(workload, model, models, clock, ranks=ranks, ddp_backend="gloo" if ranks > 1 else None).train()

    result = clock.result()
    return {name: value for name, value in result.items() if name != "gradient"}
