"""Whether what a training writes has room, and can be written at all."""

import shutil
from pathlib import Path
from typing import Any, cast

from torch import nn
from transformers import Trainer, TrainingArguments
from transformers.trainer_utils import SaveStrategy

from ...cache.sizes import bytes_in_words
from .duration import Length
from .finding import Finding, Level
from .writable import nearest_there, obstacle_to_writing

TIGHT = 0.8


def disk_finding(topic: str, folder: str | Path, needed: float, do: str) -> Finding:
    """Tell whether a folder has room for what will be written there.

    Args:
        topic: What is written.
        folder: Where; it need not be there yet.
        needed: In bytes.
        do: What helps where there is too little.
    """
    obstacle = obstacle_to_writing(folder)
    if obstacle is not None:
        says = f"'{folder}' cannot be {'written to' if Path(folder).exists() else 'made'}: {obstacle}."
        return Finding(topic, says, "stop", "Name another folder, or change who may write there.")

    free = shutil.disk_usage(nearest_there(folder)).free
    level: Level = "stop" if needed > free else "warning" if needed > TIGHT * free else "ok"
    says = f"about {bytes_in_words(needed)} will be written to '{folder}', where {bytes_in_words(free)} are free."
    name = topic.replace(" ", "_")
    return Finding(
        topic, says, level, "" if level == "ok" else do, {f"{name}_bytes": needed, f"{name}_free_bytes": free}
    )


def output_bytes(trainer: Trainer, asked: TrainingArguments, length: Length) -> int:
    """Return what student and checkpoints take.

    Args:
        trainer: The run's.
        asked: What the user asked for.
        length: The training's.
    """
    model: Any = cast(nn.Module, trainer.model)
    student = sum(weight.numel() * weight.element_size() for weight in model.parameters())
    optimizer = 0 if asked.save_only_model else 2 * student
    return student + _checkpoints(asked, length) * (student + optimizer)


def _checkpoints(asked: TrainingArguments, length: Length) -> int:
    if asked.save_strategy == SaveStrategy.NO:
        return 0
    if asked.save_strategy == SaveStrategy.EPOCH:
        number = int(length.epochs) or 1
    else:
        every = asked.save_steps * length.steps if asked.save_steps < 1 else asked.save_steps
        number = max(int(length.steps // max(every, 1)), 1)

    return min(number, asked.save_total_limit) if asked.save_total_limit else number
