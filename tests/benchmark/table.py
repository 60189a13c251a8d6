"""The tables, for a terminal of 80 columns and for the page."""

from collections.abc import Sequence
from typing import Any

Row = Sequence[str]
STEPS = ("", "CPU s", "wall s", "{clock}: ours = 1", "peak MB")
TASK = ("", "CPU s", "wall s", "CPU: live = 1")
RANKS = ("ranks", "texts/s", "ideal", "of ideal", "CPU s", "CPU: 1 rank = 1", "wall s", "peak MB")
MEMORY = ("teachers", "1", "2", "3")
PAPER = ("", "")
PARTS = ("", "ours", "baseline", "unit", "time: baseline = 1")


def tables(part: str, measured: dict[str, Any]) -> dict[str, list[Row]]:
    """Return the tables of a part by their titles, each with its header; every figure is the JSON's, rounded."""
    figures = measured["figures"]
    if part.startswith("steps"):
        clock = "CPU" if measured["settings"]["device"] == "cpu" else "wall"
        return {lengths: _steps(rows, clock) for lengths, rows in figures.items()}
    if part.startswith("task"):
        return {"task": [TASK, *map(_run, figures.items())]}
    if part.startswith("ranks"):
        return {"ranks": [RANKS, *map(_ranks, figures.items())]}
    if part.startswith("memory"):
        return {"memory": [MEMORY, *[(way, *map(rounded, row.values())) for way, row in figures.items()]]}
    if part.startswith("paper"):
        return {"paper": [PAPER, *[(name.replace("_", " "), rounded(value)) for name, value in figures.items()]]}
    return {"parts": [PARTS, *map(_part, figures.items())]}


def rounded(value: float | None) -> str:
    """Show three digits, and thousands with a comma."""
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def print_tables(measured: dict[str, Any]) -> None:
    """Print machine, versions and tables, and who did not run and why."""
    for part, content in measured.items():
        versions = ", ".join(f"{name} {version}" for name, version in content["versions"].items())
        print(f"{content['machine']}\n{versions}")
        for title, rows in tables(part, content).items():
            print(f"\n{title}")
            print("\n".join(_lines(rows)))
        for name, reason in content["not_run"].items():
            print(f"not run: {name}: {reason}")
        print()


def ratio(value: float | None) -> str:
    """Show two decimals."""
    return "" if value is None else f"{value:.2f}"


def _steps(rows: dict[str, dict[str, Any]], clock: str) -> list[Row]:
    """Compare by the processor's seconds, or where a GPU does the work by those of the wall clock."""
    header = [title.format(clock=clock) for title in STEPS]
    return [header, *[_step(name, row, f"{clock.lower()}_ratio") for name, row in rows.items()]]


def _step(name: str, row: dict[str, Any], compared: str) -> Row:
    shown = [rounded(row["cpu_seconds"]), rounded(row["wall_seconds"])]
    return (name, *shown, ratio(row.get(compared)), rounded(row["peak_megabytes"]))


def _run(item: tuple[str, dict[str, Any]]) -> Row:
    name, row = item
    return (name, rounded(row["cpu_seconds"]), rounded(row["wall_seconds"]), ratio(row["cpu_ratio"]))


def _ranks(item: tuple[str, dict[str, Any]]) -> Row:
    name, row = item
    shown = [rounded(row["texts_per_second"]), rounded(row["ideal"]), ratio(row["of_ideal"])]
    cpu = [rounded(row["cpu_seconds"]), ratio(row["computing"])]
    return (name, *shown, *cpu, rounded(row["wall_seconds"]), rounded(row["peak_megabytes"]))


def _part(item: tuple[str, dict[str, Any]]) -> Row:
    name, row = item
    return (name, rounded(row["value"]), rounded(row["baseline"]), row["unit"], ratio(row["ratio"]))


def _lines(rows: list[Row]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if not n else cell.rjust(width)
            for n, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
