"""The first part: what a step costs, contender by contender, round by round."""

from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import mean, median
from typing import Any

from .children import measure
from .contenders import NotAvailable
from .environments import python_of
from .settings import Settings
from .workload import write_batches

REFERENCE = "ours"
PREPARED = ("ours-cached",)
Figures = dict[str, dict[str, Any]]


def measure_lengths(
    settings: Settings,
    contenders: Sequence[str],
    lengths: str,
    folder: Path,
    environment: Path | None,
    say: Callable[[str], None],
) -> tuple[Figures, dict[str, str]]:
    """Measure every contender on rows of one kind of lengths.

    Returns:
        Contender -> its figures; and contender -> why it did not run.
    """
    write_batches(settings, lengths, folder)
    pythons, not_run = _prepare(settings, contenders, lengths, folder, environment)
    measured: dict[str, list[dict[str, Any]]] = {name: [] for name in pythons}

    for number in range(settings.rounds):
        for name in [name for name in pythons if name not in not_run]:
            result = measure(pythons[name], folder, settings, "steps", name, lengths)
            if "not_run" in result:
                not_run[name] = result["not_run"]
                continue
            measured[name].append(result)
            say(f"{lengths}, round {number + 1}: {name} {mean(result['cpu_seconds']):.3f} CPU-seconds a step")

    return figures_of_rounds({name: rounds for name, rounds in measured.items() if name not in not_run}), not_run


def _prepare(
    settings: Settings, contenders: Sequence[str], lengths: str, folder: Path, environment: Path | None
) -> tuple[dict[str, str], dict[str, str]]:
    """Find the interpreter of every contender, and do what some need once."""
    pythons: dict[str, str] = {}
    not_run: dict[str, str] = {}

    for name in contenders:
        try:
            pythons[name] = python_of(name, environment)
        except NotAvailable as reason:
            not_run[name] = str(reason)
    for name in set(PREPARED) & set(pythons):
        if "not_run" in (result := measure(pythons[name], folder, settings, "prepare", name, lengths)):
            not_run[name] = result["not_run"]

    return pythons, not_run


def figures_of_rounds(measured: dict[str, list[dict[str, Any]]]) -> Figures:
    return {name: _figures_of(rounds, measured.get(REFERENCE)) for name, rounds in measured.items()}


def _figures_of(rounds: list[dict[str, Any]], reference: list[dict[str, Any]] | None) -> dict[str, Any]:
    """Take the least of each step over the rounds: what else the machine does can only add to it."""
    figures = {name: least(rounds, name) for name in ("cpu_seconds", "wall_seconds")}
    figures["peak_megabytes"] = median(each["peak_megabytes"] for each in rounds)

    if reference:
        figures["cpu_ratio"] = figures["cpu_seconds"] / least(reference, "cpu_seconds")
        figures["wall_ratio"] = figures["wall_seconds"] / least(reference, "wall_seconds")
        figures["same_gradient"] = cosine(rounds[0]["gradient"], reference[0]["gradient"])
    return figures | {"rounds": [_without_gradient(each) for each in rounds]}


def least(rounds: list[dict[str, Any]], name: str) -> float:
    """Return the mean over the steps, each the least of all rounds, in which it had the same batch."""
    return mean(min(step) for step in zip(*(each[name] for each in rounds), strict=True))


def _without_gradient(result: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in result.items() if name != "gradient"}


def cosine(one: Sequence[float], other: Sequence[float]) -> float:
    """Tell how far two first gradients point the same way: 1 where the loss is the same, but for a factor."""
    product = sum(a * b for a, b in zip(one, other, strict=True))
    return product / (sum(a * a for a in one) * sum(b * b for b in other)) ** 0.5
