"""What the contenders that train with `transformers.Trainer` share, and how the others run in the run's precision."""

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch

from .settings import LEARNING_RATE, MAX_GRADIENT_NORM, Settings


def training_arguments(settings: Settings, folder: Path) -> dict[str, Any]:
    """Return the arguments of a training that reads the examples in their order, once, and writes nothing."""
    return {
        "output_dir": str(folder / "output"),
        "per_device_train_batch_size": settings.batch,
        "max_steps": settings.warmup + settings.steps,
        "learning_rate": LEARNING_RATE,
        "lr_scheduler_type": "constant",
        "max_grad_norm": MAX_GRADIENT_NORM,
        "train_sampling_strategy": "sequential",
        "save_strategy": "no",
        "disable_tqdm": True,
        "seed": settings.seed,
        "use_cpu": settings.device == "cpu",
        "bf16": settings.precision == "bf16",
    }


def autocast(settings: Settings) -> AbstractContextManager[Any]:
    """Run in the run's precision what is no `Trainer`."""
    if settings.precision == "fp32":
        return nullcontext()
    return torch.autocast(settings.device, dtype=torch.bfloat16)
