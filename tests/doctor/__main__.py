"""Compares what doctor says of three runs with what they take: `python -m tests.doctor --json docs/doctor.json`."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from hf_multiteacher.report.benchmark import describe_machine
from hf_multiteacher.report.tables import aligned

from .configurations import TASKS, write_configuration
from .page import HEADER, row_of, write_page

TESTS = Path(__file__).parents[1]


def main() -> int:
    """Measure what the flags say."""
    parser = argparse.ArgumentParser(prog="python -m tests.doctor", description=__doc__)
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=[*TASKS])
    parser.add_argument("--steps", type=int, default=120, help="of each training")
    parser.add_argument("--rounds", type=int, default=2, help="the fastest of these counts, of doctor and of the run")
    parser.add_argument("--width", type=int, default=256, help="hidden size of the teachers")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--json", type=Path, help="a file for the figures")
    parser.add_argument("--write-docs", action="store_true", help="only write the table of docs/doctor.md")
    parsed = parser.parse_args()
    if parsed.write_docs:
        write_page()
        return 0

    sizes = {"steps": parsed.steps, "rounds": parsed.rounds, "width": parsed.width}
    measured: dict[str, Any] = {"machine": describe_machine(parsed.device), **sizes}
    measured["tasks"] = {task: _measure(task, parsed) for task in parsed.tasks}
    rows = [row_of(task, figures) for task, figures in measured["tasks"].items()]
    sys.stdout.write(f"{aligned([HEADER, *rows])}\n")
    if parsed.json:
        parsed.json.write_text(f"{json.dumps(measured, indent=2)}\n", encoding="utf-8")
    return 0


def _measure(task: str, parsed: argparse.Namespace) -> dict[str, Mapping[str, float]]:
    """Return what doctor has said, and what the run then took, each in its fastest round."""
    rounds = [_measure_once(task, parsed) for _ in range(parsed.rounds)]
    return {
        "doctor": min((said for said, _ in rounds), key=lambda said: said["seconds"]),
        "run": min((took for _, took in rounds), key=lambda took: took["training_seconds"]),
    }


def _measure_once(task: str, parsed: argparse.Namespace) -> tuple[dict[str, float], dict[str, float]]:
    with tempfile.TemporaryDirectory(prefix="doctor-") as name:
        folder = Path(name)
        config = write_configuration(task, folder, steps=parsed.steps, width=parsed.width)
        config["use_cpu"] = parsed.device == "cpu"
        (folder / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")

        words = ["--output_dir", str(folder / "out"), "--json", str(folder / "doctor.json")]
        _call("hf_multiteacher.commands.main", "doctor", str(folder / "config.yaml"), *words)
        _call("doctor.run", str(folder / "config.yaml"), str(folder / "out"), str(folder / "run.json"))

        found = json.loads((folder / "doctor.json").read_text(encoding="utf-8"))["findings"]
        said = {name: value for finding in found for name, value in finding["figures"].items()}
        return said, json.loads((folder / "run.json").read_text(encoding="utf-8"))


def _call(module: str, *words: str) -> None:
    path = os.pathsep.join([str(TESTS), str(TESTS.parent), os.environ.get("PYTHONPATH", "")])
    subprocess.run([sys.executable, "-m", module, *words], check=True, env={**os.environ, "PYTHONPATH": path})


if __name__ == "__main__":
    sys.exit(main())
