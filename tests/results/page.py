"""`docs/results.md` from `docs/results/*.json`, which `hf-multiteacher ablate` and `demo` have written."""

import json
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from hf_multiteacher.report.interval_chart import interval_chart
from hf_multiteacher.romanian.tasks import DEFINITIONS

from . import tables

DOCS = Path(__file__).parents[2] / "docs"
FIGURES, PAGE, CHART = DOCS / "results", DOCS / "results.md", DOCS / "results.png"
TEMPLATE = Path(__file__).with_name("page_template.md")
DRAWN = "few_labels"
SETTINGS = ("shared", "teachers", "fine_tuning", "arms", "half")
"""What tasks that stand in one file have in common."""


def write_page() -> None:
    """Write page and chart anew."""
    figures = measured()
    PAGE.write_text(page(figures), encoding="utf-8")
    interval_chart(
        tables.drawn(figures[DRAWN]),
        CHART,
        title="gain over the single teacher whose student is better on the other half, points",
    )


def add_tasks(name: str, source: str) -> None:
    """Put the tasks that an ablation has measured beside those of a file in docs/results, or begin it.

    Args:
        name: Of the file, without its ending.
        source: The `ablation.json`.

    Raises:
        ValueError: The ablation has other keys than that which the file comes from.
    """
    path, new = FIGURES / f"{name}.json", json.loads(Path(source).read_text(encoding="utf-8"))
    new["shared"]["data"] = Path(new["shared"]["data"]).name  # a path is of one machine
    stored = json.loads(path.read_text(encoding="utf-8")) if path.exists() else new
    if any(new[key] != stored[key] for key in SETTINGS):
        raise ValueError(f"{source} was made with other {', '.join(SETTINGS)} than {path}: give it another name.")

    found, keys = ({**stored[part], **new[part]} for part in ("tasks", "keys_of_tasks"))
    tasks = {task: found[task] for task in DEFINITIONS if task in found}
    content = {key: stored[key] for key in SETTINGS} | {"keys_of_tasks": {task: keys.get(task) for task in tasks}}
    path.write_text(json.dumps({**content, "tasks": tasks}, indent=1) + "\n", encoding="utf-8")


def measured() -> dict[str, Any]:
    """Read what was measured, by the names of the files."""
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(FIGURES.glob("*.json"))}


def page(figures: dict[str, Any]) -> str:
    """Fill the template with what was measured."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATE.parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals.update({name: getattr(tables, name) for name in tables.SHOWN})
    return environment.get_template(TEMPLATE.name).render(**figures)
