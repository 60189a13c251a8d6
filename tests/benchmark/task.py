"""The second part: whole trainings on a tagging task, with live teachers, filling the cache, and from the cache."""

import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from .children import measure
from .settings import Settings
from .task_run import RUNS


def measure_task(settings: Settings, folder: Path, say: Callable[[str], None]) -> dict[str, Any]:
    """Measure every run in every round.

    Returns:
        `figures`: run -> CPU-seconds, wall seconds and their ratios to live teachers; `not_run`: run -> why.
    """
    measured: dict[str, list[dict[str, float]]] = {}
    not_run: dict[str, str] = {}
    measure(sys.executable, folder, settings, "task", "write")

    for _ in range(settings.rounds):
        for run in RUNS:
            result = measure(sys.executable, folder, settings, "task", run)
            if "not_run" in result:
                not_run[run] = result["not_run"]
                continue
            measured.setdefault(run, []).append(result)
            say(f"task, {run}: {result['cpu_seconds']:.1f} CPU-seconds")

    return {
        "figures": {run: _figures(rounds, measured["live"]) for run, rounds in measured.items()},
        "not_run": not_run,
    }


def _figures(rounds: list[dict[str, float]], live: list[dict[str, float]]) -> dict[str, float]:
    names = ("cpu_seconds", "wall_seconds")
    figures = {name: median(each[name] for each in rounds) for name in names}
    ratios = {
        name.replace("seconds", "ratio"): median(
            one[name] / other[name] for one, other in zip(rounds, live, strict=False)
        )
        for name in names
    }
    return figures | ratios
