"""One measurement in a process of its own: `python -m benchmark.process FOLDER steps ours natural`.

It imports nothing of our package itself: other libraries' environments have none.
"""

import json
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

RESULT = "result.json"


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
    (Path(folder) / RESULT).write_text(json.dumps(result), encoding="utf-8")


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


def measure_task(folder: Path, run: str) -> dict[str, Any]:
    """Measure a whole training on a task."""
    return import_module(".task_run", __package__).measure(folder, run)


MEASUREMENTS: dict[str, Callable[..., dict[str, Any]]] = {
    "steps": measure_steps,
    "prepare": prepare,
    "task": measure_task,
}


def _module_of(contender: str) -> Any:
    return import_module(f".contenders.{contender.replace('-', '_')}", __package__)


if __name__ == "__main__":
    main(sys.argv[1:])
