"""`docs/performance.md` and `docs/scaling.md`, written from the JSON files beside them."""

import json
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

from .outcome import chart
from .table import Row, rounded, tables

DOCS = Path(__file__).parents[2] / "docs"
FIGURES, PAGE, CHART = DOCS / "performance.json", DOCS / "performance.md", DOCS / "performance.png"
TEMPLATES = {PAGE: "page_template.md", DOCS / "scaling.md": "scaling_template.md"}


def write_pages() -> None:
    """Write pages and chart anew."""
    for path in TEMPLATES:
        path.write_text(page(path), encoding="utf-8")

    chart(json.loads(FIGURES.read_text(encoding="utf-8")), CHART)


def page(path: Path) -> str:
    """Fill the template of a page with what was measured."""
    measured: dict[str, Any] = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    template = Path(__file__).with_name(TEMPLATES[path])
    environment = Environment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    shown = {
        part: content | {"tables": {title: _markdown(rows) for title, rows in tables(part, content).items()}}
        for part, content in measured.items()
    }
    return environment.from_string(template.read_text(encoding="utf-8")).render(parts=shown, rounded=rounded)


def _markdown(rows: list[Row]) -> str:
    header, *body = rows
    ruler = ["---", *["--:"] * (len(header) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (header, ruler, *body))
