"""What a large run would cost: operations and rates that were measured, for machines that were not there."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .children import measure
from .models import count_parameters
from .settings import Settings
from .work_run import WAYS

PERFORMANCE = Path(__file__).parents[2] / "docs/performance.json"
ASSUMED = {
    "gigabytes": 11.0,
    "bytes_per_text": 200.0,
    "gpus": 8,
    "peak_teraflops": 312.0,
    "share_reached": 0.3,
    "cores": 64,
}
"""Text, what a sentence of it takes in UTF-8 on average, and a machine of 8 A100 (their peak in bf16)."""


def measure_paper(settings: Settings, folder: Path, say: Callable[[str], None]) -> dict[str, Any]:
    """Count the operations of a text, and put them beside the rates of `docs/performance.json`.

    Returns:
        `figures`: what was counted and what follows for the run that `assumed` describes; `not_run`.
    """
    counted = {way: measure(sys.executable, folder, settings, "work", way) for way in WAYS}
    not_run = {way: result["not_run"] for way, result in counted.items() if "not_run" in result}
    say(f"counted: {counted}")

    performance = json.loads(PERFORMANCE.read_text(encoding="utf-8"))
    encoded = performance["parts"]["figures"]["encoding"]["value"]
    figures = {} if not_run else follow(counted["live"], counted["cached"], encoded) | _weights(settings)
    return {"figures": figures, "not_run": not_run, "assumed": ASSUMED}


def follow(live: dict[str, float], cached: dict[str, float], encoded: float) -> dict[str, float]:
    """Work out a run from what was counted.

    Args:
        live: `operations` of a text.
        cached: The same with the teachers' outputs on disk.
        encoded: Texts that one core encodes per second.
    """
    texts = ASSUMED["gigabytes"] * 1e9 / ASSUMED["bytes_per_text"]
    rate = ASSUMED["gpus"] * ASSUMED["peak_teraflops"] * 1e12 * ASSUMED["share_reached"]

    return {
        "texts_millions": texts / 1e6,
        "gigaflops_live": live["operations"] / 1e9,
        "gigaflops_cached": cached["operations"] / 1e9,
        "texts_per_second_live": rate / live["operations"],
        "texts_per_second_cached": rate / cached["operations"],
        "hours_live": texts * live["operations"] / rate / 3600,
        "hours_cached": texts * cached["operations"] / rate / 3600,
        "encoded_per_core": encoded,
        "cores_to_keep_up": rate / live["operations"] / encoded,
        "hours_to_encode": texts / encoded / ASSUMED["cores"] / 3600,
        "hours_of_this_processor": texts * _seconds_here() / 3600,
    }


def _weights(settings: Settings) -> dict[str, float]:
    """Return what weights take on each GPU: 16 bytes with gradient and AdamW's two moments, 2 of a frozen teacher."""
    trained = count_parameters(settings, settings.student_layers)
    frozen = settings.teachers * count_parameters(settings, settings.teacher_layers)
    return {"student_gigabytes": 16 * trained / 1e9, "teachers_gigabytes": 2 * frozen / 1e9}


def _seconds_here() -> float:
    """Return what a text costs on the processor of `docs/performance.json`."""
    steps = json.loads(PERFORMANCE.read_text(encoding="utf-8"))["steps"]
    return steps["figures"]["natural"]["ours"]["cpu_seconds"] / steps["settings"]["batch"]
