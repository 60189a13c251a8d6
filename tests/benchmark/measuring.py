"""All parts, one after the other."""

import sys
from argparse import Namespace
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from hf_multiteacher.report.benchmark import describe_machine
from hf_multiteacher.version import __version__

from .memory import measure_memory
from .paper import measure_paper
from .parts import measure_parts
from .ranks import measure_ranks
from .settings import Settings
from .steps import Figures, measure_lengths
from .task import measure_task

WHAT = ("steps", "task", "parts", "ranks", "memory", "paper")
SCALING = {"ranks": measure_ranks, "memory": measure_memory, "paper": measure_paper}
VERSIONS = ("torch", "transformers", "accelerate", "datasets", "tokenizers", "numpy")


def measure_all(settings: Settings, parsed: Namespace, folder: Path) -> dict[str, Any]:
    """Measure what was asked for: part -> machine, settings, figures, and what did not run."""
    torch.set_num_threads(settings.threads)
    about = {"machine": describe_machine(settings.device), "versions": _versions(), "settings": asdict(settings)}

    return {_key(part, settings): about | _measure(part, settings, parsed, folder) for part in parsed.what}


def _key(part: str, settings: Settings) -> str:
    return part if settings.device == "cpu" else f"{part}-{settings.device}"


def _measure(part: str, settings: Settings, parsed: Namespace, folder: Path) -> dict[str, Any]:
    if part == "task":
        return measure_task(settings, folder, _say)
    if part in SCALING:
        return SCALING[part](settings, folder, _say)
    if part == "parts":
        return {"figures": measure_parts(settings, folder, _say), "not_run": {}}

    figures: dict[str, Figures] = {}
    not_run: dict[str, str] = {}

    for lengths in parsed.lengths:
        figures[lengths], reasons = measure_lengths(
            settings, parsed.contenders, lengths, folder, parsed.environment, _say
        )
        not_run |= reasons
    return {"figures": figures, "not_run": not_run}


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _versions() -> dict[str, str]:
    found = {"hf-multiteacher": __version__}
    for name in VERSIONS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
