"""What was measured, as files: JSON and a chart."""

import json
from pathlib import Path
from typing import Any

from hf_multiteacher.report.charts import quality_chart

from .steps import REFERENCE


def add_to(file: Path, measured: dict[str, Any]) -> None:
    """Put the parts that were measured into a JSON file; its other parts stay."""
    known = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    file.write_text(json.dumps(known | measured, indent=1) + "\n", encoding="utf-8")


def chart(measured: dict[str, Any], file: Path) -> None:
    """Draw the cost of a step, one panel per kind of lengths, and the memory."""
    part = next((measured[name] for name in measured if name.startswith("steps")), None)
    if part is None:
        return

    measure = "cpu_seconds" if part["settings"]["device"] == "cpu" else "wall_seconds"
    kind, figures = measure.split("_")[0].upper() if measure.startswith("cpu") else "wall", part["figures"]
    panels = {
        f"{lengths}: {kind}-seconds a step": {name: row[measure] for name, row in rows.items()}
        for lengths, rows in figures.items()
    }
    lengths = next(iter(figures))
    panels[f"{lengths}: GB over the loaded models"] = {
        name: row["peak_megabytes"] / 1024 for name, row in figures[lengths].items()
    }
    quality_chart(panels, REFERENCE, file)
