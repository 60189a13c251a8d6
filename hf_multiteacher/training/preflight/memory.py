"""What memory a training needs, and what there is."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from torch import nn
from transformers import Trainer

from ...cache.sizes import bytes_in_words
from ...report.peak_memory import process_memory, process_peak
from .finding import Finding, Level

TIGHT = 0.9
CGROUPS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
MEMINFO = Path("/proc/meminfo")
SMALLER_BATCH = (
    "Give a smaller per_device_train_batch_size and as many more gradient_accumulation_steps, a shorter max_length, "
    "or gradient_checkpointing."
)


@dataclass(frozen=True)
class Room:
    """Memory on the device of a training.

    Attributes:
        total: What the process can have in all; None where nobody says.
        free: What it can have beside what it has now; likewise.
    """

    total: int | None
    free: int | None

    @classmethod
    def of(cls, device: torch.device) -> "Room":
        """Look at a GPU, or at what the machine and its container leave to this process."""
        if device.type == "cuda":
            free, total = torch.cuda.mem_get_info(device)
            unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
            return cls(total, free + unused)

        own, available = process_memory(), _available()
        if own is None or available is None:
            return cls(None, None)
        limit = min([available + own, *_limits()])
        return cls(limit, limit - own)


def _available() -> int | None:
    lines = MEMINFO.read_text().splitlines() if MEMINFO.is_file() else []
    found = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
    return 1024 * int(found[0]) if found else None


def _limits() -> Iterator[int]:
    for path in CGROUPS:
        text = path.read_text().strip() if path.is_file() else "max"
        if text.isdigit():
            yield int(text)


def bytes_of_states(trainer: Trainer) -> int:
    """Return what gradients and the optimizer's states of the trained weights take."""
    model, optimizer = cast(nn.Module, trainer.model), str(getattr(trainer.args.optim, "value", trainer.args.optim))
    states = 2 if "adam" in optimizer else 1 if "momentum" in str(trainer.args.optim_args) else 0
    trained = (weight for weight in model.parameters() if weight.requires_grad)
    return sum(weight.numel() * weight.element_size() for weight in trained) * (1 + states)


def too_little(needed: int, device: torch.device, what: str) -> Finding | None:
    """Refuse what cannot fit before it is tried; None where it may.

    Args:
        needed: Bytes beyond what is in use, at least.
        device: Where.
        what: What needs them.
    """
    room = Room.of(device)
    if room.free is None or needed <= room.free:
        return None

    says = (
        f"{what} at least {bytes_in_words(needed)} more, but {bytes_in_words(max(room.free, 0))} are free on {device}."
    )
    return Finding("memory", says, "stop", SMALLER_BATCH, {"needed_bytes": needed, "free_bytes": room.free})


def start_measuring(device: torch.device) -> None:
    """Have a GPU forget the peak of what was done before."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)


def measured_peak(device: torch.device, held: int) -> int | None:
    """Return the most memory that the training takes, all of the process on a CPU; None where nobody says.

    Args:
        device: Where it ran.
        held: Bytes that this process has held beside it.
    """
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)

    peak = process_peak()
    return None if peak is None else peak - held


def memory_finding(peak: int | None, device: torch.device) -> Finding:
    """Compare what a training needs with what there is.

    Args:
        peak: From `measured_peak`.
        device: Where it ran.
    """
    room = Room.of(device)
    if peak is None or room.total is None:
        return Finding("memory", f"nothing is known of the memory on {device}: it is measured on Linux and on CUDA.")

    share = peak / room.total
    level: Level = "stop" if share > 1 else "warning" if share > TIGHT else "ok"
    taken, total = bytes_in_words(peak), bytes_in_words(room.total)
    says = f"the training takes about {taken} of the {total} that there are for it on {device}."
    figures: dict[str, Any] = {"memory_bytes": peak, "memory_total_bytes": room.total}
    return Finding("memory", says, level, "" if level == "ok" else SMALLER_BATCH, figures)
