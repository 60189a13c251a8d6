"""How much faster several ranks are than one: each has batches of the same size."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .children import measure_together
from .settings import Settings

RANKS = (1, 2, 4)


def measure_ranks(settings: Settings, folder: Path, say: Callable[[str], None]) -> dict[str, Any]:
    """Measure every number of ranks.

    Returns:
        `figures`: ranks -> texts per second together, the ideal (one rank's, as often as there are processors for
        them), their ratio, and a rank's seconds and megabytes; `computing` is the share of a rank's own work that is
        not for the others, as far as its processor tells; `not_run`: ranks -> why.
    """
    measured: dict[int, dict[str, float]] = {}
    not_run: dict[str, str] = {}

    for ranks in RANKS:
        (place := folder / f"ranks-{ranks}").mkdir()
        results = measure_together(
            sys.executable, place, settings, [("rank", str(rank), str(ranks)) for rank in range(ranks)]
        )
        if reasons := [each["not_run"] for each in results if "not_run" in each]:
            not_run[str(ranks)] = reasons[0]
            continue
        measured[ranks] = _together(results, settings.batch)
        say(f"{ranks} ranks: {measured[ranks]['texts_per_second']:.1f} texts a second")

    return {"figures": {str(ranks): _beside_ideal(ranks, measured) for ranks in measured}, "not_run": not_run}


def _together(results: list[dict[str, float]], batch: int) -> dict[str, float]:
    slowest = max(each["wall_seconds"] for each in results)
    return {
        "texts_per_second": len(results) * batch / slowest,
        "wall_seconds": slowest,
        "cpu_seconds": max(each["cpu_seconds"] for each in results),
        "peak_megabytes": max(each["peak_megabytes"] for each in results),
    }


def _beside_ideal(ranks: int, measured: dict[int, dict[str, float]]) -> dict[str, float]:
    ideal = min(ranks, os.cpu_count() or 1) * measured[1]["texts_per_second"]
    return measured[ranks] | {
        "ideal": ideal,
        "of_ideal": measured[ranks]["texts_per_second"] / ideal,
        "computing": measured[1]["cpu_seconds"] / measured[ranks]["cpu_seconds"],
    }
