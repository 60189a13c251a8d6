"""Two ways to do something, timed in turn."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any


@dataclass(frozen=True)
class Pair:
    """Ours and its baseline.

    Attributes:
        ours: What is measured.
        baseline: What it is compared with.
        against: What the baseline is, in words.
        unit: What a figure says, such as `ms a batch`.
        units: A figure from the CPU-seconds of one call.
    """

    ours: Callable[[], Any]
    baseline: Callable[[], Any]
    against: str
    unit: str
    units: Callable[[float], float]


def compare(pair: Pair, rounds: int) -> dict[str, Any]:
    """Time both, round by round, after one pass that does not count."""
    pair.ours(), pair.baseline()
    times = [(_seconds(pair.ours), _seconds(pair.baseline)) for _ in range(rounds)]

    ours, baseline = (pair.units(median(column)) for column in zip(*times, strict=True))
    ratio = median(one / other for one, other in times)
    return {"value": ours, "baseline": baseline, "unit": pair.unit, "against": pair.against, "ratio": ratio}


def _seconds(call: Callable[[], Any]) -> float:
    start = time.process_time()
    call()
    return max(time.process_time() - start, 1e-9)
