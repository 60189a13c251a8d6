"""Starts the processes that measure."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from .process import RESULT
from .settings import Settings

ROOT = Path(__file__).parents[2]
LAST_LINES = 3


def measure(python: str, folder: Path, settings: Settings, *words: str) -> dict[str, Any]:
    """Run one measurement; where it cannot run, `not_run` says why."""
    (folder / RESULT).unlink(missing_ok=True)
    settings.save(folder)

    command = [python, "-m", "benchmark.process", str(folder), *words]
    done = subprocess.run(command, env=_environment(settings), cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        return {"not_run": " ".join(done.stderr.strip().splitlines()[-LAST_LINES:]) or f"exit {done.returncode}"}

    return json.loads((folder / RESULT).read_text(encoding="utf-8"))


def _environment(settings: Settings) -> dict[str, str]:
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    offline = {"HF_HUB_OFFLINE": "1", "HF_EVALUATE_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    threads = {"OMP_NUM_THREADS": str(settings.threads), "OMP_WAIT_POLICY": "passive"}
    return {**os.environ, **offline, **threads, "PYTHONPATH": paths}
