"""Starts the processes that measure."""

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from subprocess import PIPE
from typing import Any

from .process import result_of
from .settings import Settings

ROOT = Path(__file__).parents[2]
LAST_LINES = 3


def measure(python: str, folder: Path, settings: Settings, *words: str) -> dict[str, Any]:
    """Run one measurement; where it cannot run, `not_run` says why."""
    return measure_together(python, folder, settings, [words])[0]


def measure_together(
    python: str, folder: Path, settings: Settings, ranks: Sequence[Sequence[str]]
) -> list[dict[str, Any]]:
    """Run one measurement on several ranks at once, each with words of its own; see `measure`."""
    settings.save(folder)
    environment = _environment(settings) | {"WORLD_SIZE": str(len(ranks)), "LOCAL_WORLD_SIZE": str(len(ranks))}

    running = []
    for rank, words in enumerate(ranks):
        result_of(folder, str(rank)).unlink(missing_ok=True)
        told = environment | {"RANK": str(rank), "LOCAL_RANK": str(rank)} if len(ranks) > 1 else _environment(settings)
        command = [python, "-m", "benchmark.process", str(folder), *words]
        running.append(subprocess.Popen(command, env=told, cwd=ROOT, stdout=PIPE, stderr=PIPE, text=True))
    return [_result(folder, str(rank), process) for rank, process in enumerate(running)]


def _result(folder: Path, rank: str, process: "subprocess.Popen[str]") -> dict[str, Any]:
    _, told = process.communicate()
    if process.returncode:
        return {"not_run": " ".join(told.strip().splitlines()[-LAST_LINES:]) or f"exit {process.returncode}"}

    return json.loads(result_of(folder, rank).read_text(encoding="utf-8"))


def _environment(settings: Settings) -> dict[str, str]:
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    offline = {"HF_HUB_OFFLINE": "1", "HF_EVALUATE_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    threads = {"OMP_NUM_THREADS": str(settings.threads), "OMP_WAIT_POLICY": "passive"}
    return {**os.environ, **offline, **threads, "PYTHONPATH": paths}
