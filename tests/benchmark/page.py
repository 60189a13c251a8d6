"""`docs/performance.md`, written from `docs/performance.json`."""

import json
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

from .outcome import chart
from .table import Row, tables

DOCS = Path(__file__).parents[2] / "docs"
FIGURES, PAGE, CHART = DOCS / "performance.json", DOCS / "performance.md", DOCS / "performance.png"
TEMPLATE = Path(__file__).with_name("page_template.md")


def write_page() -> None:
    """Write page and chart anew."""
    measured = json.loads(FIGURES.read_text(encoding="utf-8"))

    PAGE.write_text(page(measured), encoding="utf-8")
    chart(measured, CHART)


def page(measured: dict[str, Any]) -> str:
    """Fill the template with what was measured."""
    environment = Environment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    shown = {
        part: content | {"tables": {title: _markdown(rows) for title, rows in tables(part, content).items()}}
        for part, content in measured.items()
    }
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(parts=shown)


def _markdown(rows: list[Row]) -> str:
    header, *body = rows
    ruler = ["---", *["--:"] * (len(header) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (header, ruler, *body))
