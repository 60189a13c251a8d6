"""One measurement in a process of its own: `python -m benchmark.process FOLDER steps ours natural`.

It imports nothing of our package itself: other libraries' environments have none.
"""

import json
import os
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
import transformers

from .clock import Clock
from .contenders import NotAvailable
from .settings import Settings
from .workload import Workload


def main(words: list[str]) -> None:
    """Measure what the words say and write the result into the folder."""
    folder, what, *rest = words
    settings = Settings.load(Path(folder))
    torch.set_num_threads(settings.threads)
    transformers.utils.logging.set_verbosity_error()

    try:
        result = MEASUREMENTS[what](Path(folder), *rest)
    except NotAvailable as reason:
        result = {"not_run": str(reason)}
    result_of(Path(folder)).write_text(json.dumps(result), encoding="utf-8")


def result_of(folder: Path, rank: str = os.environ.get("RANK", "0")) -> Path:
    """Name the file in which a process leaves what it has measured."""
    return folder / f"result-{rank}.json"


def measure_steps(folder: Path, contender: str, lengths: str) -> dict[str, Any]:
    """Train one contender under the clock."""
    workload = Workload.load(folder, lengths)
    clock = Clock(workload.settings)

    _module_of(contender).train(workload, clock)
    return clock.result() | {"torch": torch.__version__}


def prepare(folder: Path, contender: str, lengths: str) -> dict[str, Any]:
    """Do what a contender needs once before it is measured."""
    _module_of(contender).prepare(Workload.load(folder, lengths))
    return {}


def measure_rank(folder: Path, *words: str) -> dict[str, Any]:
    """Train as one of several ranks."""
    return import_module(".rank_run", __package__).measure(folder, *map(int, words))


def measure_memory(folder: Path, way: str) -> dict[str, Any]:
    """Train with so many teachers, and note the most memory."""
    return import_module(".memory_run", __package__).measure(folder, way)


def count_work(folder: Path, way: str) -> dict[str, Any]:
    """Count the floating point operations of a text."""
    return import_module(".work_run", __package__).measure(folder, way)


def measure_task(folder: Path, run: str) -> dict[str, Any]:
    """Measure a whole training on a task."""
    return import_module(".task_run", __package__).measure(folder, run)


MEASUREMENTS: dict[str, Callable[..., dict[str, Any]]] = {
    "steps": measure_steps,
    "prepare": prepare,
    "task": measure_task,
    "rank": measure_rank,
    "memory": measure_memory,
    "work": count_work,
}


def _module_of(contender: str) -> Any:
    return import_module(f".contenders.{contender.replace('-', '_')}", __package__)


if __name__ == "__main__":
    main(sys.argv[1:])
