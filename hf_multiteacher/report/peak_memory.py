"""The most memory that some work takes: on a GPU as torch hands it out, of a process as Linux counts it."""

import ctypes
import ctypes.util
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import torch

STATUS, FORGET_PEAK = Path("/proc/self/status"), "/proc/self/clear_refs"
NOT_MEASURED = "peak memory is measured on CUDA devices and on Linux only"


def peak_bytes(work: Callable[[], object], device: torch.device) -> int | None:
    """Do something, and tell the most memory beyond what was in use before; None where that cannot be told.

    Args:
        work: What is done.
        device: Where: a GPU, else the memory of this process is looked at.
    """
    if device.type == "cuda":
        before = torch.cuda.memory_allocated(device)
        torch.cuda.reset_peak_memory_stats(device)
        work()
        return torch.cuda.max_memory_allocated(device) - before

    begun = _begin_anew()
    work()
    after = process_peak()
    return None if not begun or after is None else max(after - begun, 0)


def process_peak() -> int | None:
    """Return the most memory that this process has had, in bytes; None where the system does not say."""
    return _of_process("VmHWM")


def process_memory() -> int | None:
    """Return the memory that this process has now, in bytes; None where the system does not say."""
    return _of_process("VmRSS")


def _begin_anew() -> int | None:
    """Give back what is free, have the kernel forget the peak, and return what is in use."""
    with suppress(OSError, AttributeError):  # another C library than glibc keeps less by itself
        ctypes.CDLL(ctypes.util.find_library("c")).malloc_trim(0)

    try:
        request = os.open(FORGET_PEAK, os.O_WRONLY)
        os.write(request, b"5")
        os.close(request)
    except OSError:
        return None
    return process_memory()


def _of_process(name: str) -> int | None:
    lines = STATUS.read_text().splitlines() if STATUS.is_file() else []
    found = [line.split()[1] for line in lines if line.startswith(f"{name}:")]
    return 1024 * int(found[0]) if found else None
