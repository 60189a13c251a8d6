"""What an ablation leaves beside its cells: all figures as JSON, tables as Markdown, and a chart."""

import json
from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from typing import Any

from ...report.interval_chart import interval_chart
from ...whole_file import write_text
from .intervals import Difference, Interval
from .results import ArmResult, TaskResult
from .table import markdown_tables

DIGITS = 6


def write_results(
    folder: Path, tasks: Mapping[str, TaskResult], gains: Mapping[str, Difference], about: Mapping[str, Any]
) -> None:
    """Write `ablation.json`, `ablation.md` and `ablation.png`.

    Args:
        folder: Where.
        tasks: Task -> result.
        gains: Arm -> what it gains on the mean of the tasks.
        about: What else the JSON says, before the figures.
    """
    content = {
        **about,
        "tasks": {name: _task(result) for name, result in tasks.items()},
        "mean_gains": {name: _difference(gain) for name, gain in gains.items()},
    }
    text = json.dumps(_rounded(content), indent=1, ensure_ascii=False, allow_nan=False)
    write_text(folder / "ablation.json", f"{text}\n")
    write_text(folder / "ablation.md", markdown_tables(tasks, gains))
    interval_chart(_drawn(tasks, gains), folder / "ablation.png", title="gain over the reference")


def _task(result: TaskResult) -> dict[str, Any]:
    return {
        "metric": result.metric,
        "measured_on": result.measured_on,
        "compared": result.examples,
        "reference": result.reference,
        "arms": {name: _arm(arm) for name, arm in result.arms.items()},
        "teachers": {
            name: {
                "figure": figure,
                "quality": result.teachers_quality.get(name, {}),
                "loyalty": result.between.get(name, {}),
                **result.teachers_sizes.get(name, {}),
            }
            for name, figure in result.teachers.items()
        },
    }


def _arm(arm: ArmResult) -> dict[str, Any]:
    return {
        "seeds": {str(seed): figure for seed, figure in arm.figures.items()},
        "mean": arm.mean,
        "deviation": arm.deviation,
        "gain": None if arm.gain is None else _difference(arm.gain),
        "ensemble": arm.ensemble,
        "gains": {name: _difference(gain) for name, gain in arm.gains.items()},
        "quality": arm.quality,
        "loyalty": arm.loyalty,
        **arm.sizes,
        "seconds": arm.seconds,
    }


def _difference(gain: Difference) -> dict[str, Any]:
    return {
        "value": gain.value,
        "standard_error": gain.error,
        "interval": gain.both,
        "over_examples": gain.rows,
        "over_seeds": gain.seeds,
    }


def _drawn(
    tasks: Mapping[str, TaskResult], gains: Mapping[str, Difference]
) -> dict[str, dict[str, tuple[float, Interval]]]:
    """Return panel -> arm -> its gain and the interval."""
    panels = {
        f"{name} (reference: {result.reference})": {
            arm: (each.gain.value, each.gain.both) for arm, each in result.arms.items() if each.gain is not None
        }
        for name, result in tasks.items()
    }
    if len(tasks) > 1:
        panels["mean"] = {arm: (gain.value, gain.both) for arm, gain in gains.items()}
    return panels


def _rounded(content: Any) -> Any:
    """Return figures as short as they can be read; null where one is no number."""
    if isinstance(content, dict):
        return {name: _rounded(value) for name, value in content.items()}
    if isinstance(content, list | tuple):
        return [_rounded(value) for value in content]
    if isinstance(content, float):
        return round(content, DIGITS) if isfinite(content) else None
    return content
