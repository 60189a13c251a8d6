"""The table in `docs/doctor.md`, written from `docs/doctor.json`."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[2] / "docs"
FIGURES, PAGE = DOCS / "doctor.json", DOCS / "doctor.md"
TITLES = {"masked-lm": "masked-LM", "ner": "tagging", "sts": "pairs"}
HEADER = ["", "seconds in all", "run", "off by", "CPU s per step", "run", "off by", "peak MB", "run", "off by"]
TABLE = re.compile(r"(<!-- measured -->\n).*?(<!-- end -->)", re.DOTALL)


def row_of(task: str, figures: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Put what doctor said beside what the run took."""
    doctor, run = figures["doctor"], figures["run"]
    pairs = (
        (doctor["seconds"], run["training_seconds"] + run["evaluation_seconds"], 1),
        (doctor["cpu_seconds_per_step"], run["training_cpu_seconds"] / doctor["steps"], 3),
        (doctor["memory_bytes"] / 1e6, run["memory_bytes"] / 1e6, 0),
    )
    return [TITLES[task], *(cell for said, was, digits in pairs for cell in _cells(said, was, digits))]


def _cells(said: float, was: float, digits: int) -> list[str]:
    return [f"{said:,.{digits}f}", f"{was:,.{digits}f}", f"{100 * (said / was - 1):+.0f} %"]


def table(measured: Mapping[str, Any]) -> str:
    """Write the table in Markdown, with the machine below."""
    rows = [row_of(task, figures) for task, figures in measured["tasks"].items()]
    lines = [HEADER, ["---", *["--:"] * (len(HEADER) - 1)], *rows]
    text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    way = f"{measured['steps']} steps, the fastest of {measured['rounds']} rounds"
    return f"{text}\n\nOn {measured['machine']}; {way}.\n"


def page(text: str, measured: Mapping[str, Any]) -> str:
    """Put the table of what was measured into the text of the page."""
    return TABLE.sub(lambda found: f"{found[1]}{table(measured)}{found[2]}", text)


def write_page() -> None:
    """Write the table anew."""
    measured = json.loads(FIGURES.read_text(encoding="utf-8"))
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8"), measured), encoding="utf-8")
