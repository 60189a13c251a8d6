"""How much faster several ranks are than one: each has batches of the same size."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .children import measure_together
from .settings import Settings
from .steps import least

RANKS = (1, 2, 4)


def measure_ranks(settings: Settings, folder: Path, say: Callable[[str], None]) -> dict[str, Any]:
    """Measure every number of ranks.

    Returns:
        `figures`: ranks -> texts per second together, the ideal (one rank's, as often as there are processors for
        them), their ratio, and a rank's seconds and megabytes; `computing` is the share of a rank's own work that is
        not for the others, as far as its processor tells; `not_run`: ranks -> why.
    """
    measured: dict[int, list[list[dict[str, Any]]]] = {ranks: [] for ranks in RANKS}
    not_run: dict[str, str] = {}

    for number in range(settings.rounds):
        for ranks in RANKS:
            (place := folder / f"ranks-{ranks}-{number}").mkdir()
            results = measure_together(
                sys.executable, place, settings, [("rank", str(rank), str(ranks)) for rank in range(ranks)]
            )
            if reasons := [each["not_run"] for each in results if "not_run" in each]:
                not_run[str(ranks)] = reasons[0]
            else:
                measured[ranks].append(results)
                say(f"{ranks} ranks: measured")

    together = {ranks: together_of(rounds, settings.batch) for ranks, rounds in measured.items() if rounds}
    return {"figures": {str(ranks): _beside_ideal(ranks, together) for ranks in together}, "not_run": not_run}


def together_of(rounds: list[list[dict[str, Any]]], batch: int) -> dict[str, float]:
    """Return what several ranks do together: a step takes as long as on the slowest, in its fastest round."""
    slowest = [_slowest(ranks) for ranks in rounds]
    wall = least(slowest, "wall_seconds")
    return {
        "texts_per_second": len(rounds[0]) * batch / wall,
        "wall_seconds": wall,
        "cpu_seconds": least(slowest, "cpu_seconds"),
        "peak_megabytes": max(each["peak_megabytes"] for ranks in rounds for each in ranks),
    }


def _slowest(ranks: list[dict[str, Any]]) -> dict[str, list[float]]:
    names = ("wall_seconds", "cpu_seconds")
    return {name: [max(step) for step in zip(*(each[name] for each in ranks), strict=True)] for name in names}


def _beside_ideal(ranks: int, measured: dict[int, dict[str, float]]) -> dict[str, float]:
    ideal = min(ranks, os.cpu_count() or 1) * measured[1]["texts_per_second"]
    return measured[ranks] | {
        "ideal": ideal,
        "of_ideal": measured[ranks]["texts_per_second"] / ideal,
        "computing": measured[1]["cpu_seconds"] / measured[ranks]["cpu_seconds"],
    }
