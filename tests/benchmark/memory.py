"""How much memory each further teacher takes."""

import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from .children import measure
from .clock import MEGABYTE
from .memory_run import WAYS
from .models import count_parameters
from .settings import Settings

TEACHERS = (1, 2, 3)


def measure_memory(settings: Settings, folder: Path, say: Callable[[str], None]) -> dict[str, Any]:
    """Measure every way with one, two and three teachers.

    Returns:
        `figures`: way -> teachers -> the most megabytes; `not_run`: way -> why; `teacher_megabytes`: those of a
        teacher's weights.
    """
    measure(sys.executable, folder, replace(settings, teachers=max(TEACHERS)), "memory", "write")
    figures: dict[str, dict[str, float]] = {}
    not_run: dict[str, str] = {}

    for teachers in TEACHERS:
        shutil.rmtree(folder / "cache", ignore_errors=True)
        for way in WAYS:
            result = measure(sys.executable, folder, replace(settings, teachers=teachers), "memory", way)
            if "not_run" in result:
                not_run[way] = result["not_run"]
                continue
            figures.setdefault(way, {})[str(teachers)] = result["peak_megabytes"]
            say(f"{way}, {teachers} teachers: {result['peak_megabytes']:.0f} MB")

    weights = 4 * count_parameters(settings, settings.teacher_layers) / MEGABYTE
    return {"figures": figures, "not_run": not_run, "teacher_megabytes": weights}
