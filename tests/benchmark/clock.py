"""The clock: it ticks at the end of `optimizer.step()`, which every contender goes through."""

import resource
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil
import torch
from torch import nn
from torch.optim import AdamW, Optimizer

from .settings import LEARNING_RATE, Settings

MEGABYTE = 2**20
SAMPLED = 64  # entries of the first step's gradient that tell whether two contenders minimise the same


class Clock:
    """Counts the steps of one contender, and measures those that count.

    Attributes:
        gradient: Some of the first step's gradient, clipped as it was.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.ticks = 0
        self.gradient: list[float] = []
        self._loaded = 0.0
        self._marks: list[tuple[float, float]] = []
        self._peak = 0.0

    def models_are_loaded(self) -> None:
        """Note the memory that every contender has in use before it begins."""
        _step_once()
        if self.settings.device == "cuda":
            torch.cuda.reset_peak_memory_stats()
        self._loaded = memory_now(self.settings.device)

    def attach(self, optimizer: Optimizer, model: nn.Module) -> None:
        """Tick after every step of this optimizer."""
        optimizer.register_step_pre_hook(lambda *_: self._sample(model))
        optimizer.register_step_post_hook(lambda *_: self._tick())

    def result(self) -> dict[str, Any]:
        """Return what the steps cost: seconds of processor and of the wall clock; and the memory over the models.

        Returns:
            `cpu_seconds` and `wall_seconds` hold a figure for each step, on a GPU one for all of them together.

        Raises:
            RuntimeError: The contender took another number of steps than it should.
        """
        expected = self.settings.warmup + self.settings.steps
        if self.ticks != expected:
            raise RuntimeError(f"The clock expects {expected} steps, but the contender took {self.ticks}.")

        between = self.settings.steps / (len(self._marks) - 1)
        cpu, wall = ([(b - a) / between for a, b in pairwise(marks)] for marks in zip(*self._marks, strict=True))
        return {
            "cpu_seconds": cpu,
            "wall_seconds": wall,
            "peak_megabytes": (self._peak - self._loaded) / MEGABYTE,
            "gradient": self.gradient,
        }

    def _tick(self) -> None:
        first, last = self.settings.warmup, self.settings.warmup + self.settings.steps

        self.ticks += 1
        if self.ticks in (first, last) or (self.settings.device == "cpu" and first < self.ticks < last):
            self._marks.append(self._now())
        if self.ticks == last:
            self._peak = memory_peak(self.settings.device)

    def _now(self) -> tuple[float, float]:
        if self.settings.device == "cuda":
            torch.cuda.synchronize()  # here alone, so that no contender waits for its device between two steps
        return time.process_time(), time.perf_counter()

    def _sample(self, model: nn.Module) -> None:
        if not self.gradient:
            weights = [parameter for parameter in model.parameters() if parameter.grad is not None]
            gradient = max(weights[-10:], key=lambda parameter: parameter.dim()).grad
            self.gradient = gradient.flatten()[:SAMPLED].tolist() if gradient is not None else []


def _step_once() -> None:
    """Have torch import what a first step imports, which is no memory of a training."""
    weight = nn.Parameter(torch.zeros(1))
    weight.grad = torch.zeros(1)
    AdamW([weight]).step()


def make_optimizer(model: nn.Module, clock: Clock) -> AdamW:
    """Make the optimizer that every contender has."""
    optimizer = AdamW(model.parameters(), lr=LEARNING_RATE)
    clock.attach(optimizer, model)
    return optimizer


def memory_now(device: str) -> float:
    """Return the bytes in use on the device."""
    return float(torch.cuda.memory_allocated() if device == "cuda" else psutil.Process().memory_info().rss)


def memory_peak(device: str) -> float:
    """Return the most bytes that were in use on the device."""
    if device == "cuda":
        return float(torch.cuda.max_memory_allocated())

    # Linux adds to ru_maxrss what the process that started this one had in use; its own most is in this file.
    status = Path("/proc/self/status")
    lines = status.read_text(encoding="utf-8").splitlines() if status.exists() else []
    most = [int(line.split()[1]) for line in lines if line.startswith("VmHWM")]

    usage = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return float(1024 * most[0] if most else usage if sys.platform == "darwin" else 1024 * usage)
