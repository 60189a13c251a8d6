"""Charts of a distillation as PNG files: quality, loyalty, and the training curve."""

from collections.abc import Mapping, Sequence
from math import isfinite
from pathlib import Path
from textwrap import fill
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ..whole_file import write_whole

STUDENT = "#0072B2"
OTHERS = ("#999999", "#CC79A7", "#E69F00", "#56B4E9", "#009E73", "#D55E00", "#F0E442")  # safe for colour-blind readers
DOTS_PER_INCH = 150
COLUMNS = 4
TITLE_WIDTH = 28  # characters that fit above a panel


def quality_chart(figures: Mapping[str, Mapping[str, Any]], student: str, path: str | Path) -> Path | None:
    """Draw one panel per measure with a bar per model, each from zero.

    Args:
        figures: Measure -> model -> value; what is not a finite number is left out.
        student: The model whose bars stand out.
        path: The PNG file to write.

    Returns:
        `path`, or None when there is nothing to compare; an older chart is then removed.
    """
    compared = any(sum(_drawable(value) for value in row.values()) > 1 for row in figures.values())
    return _panels(figures if compared else {}, student, path, "")


def loyalty_chart(loyalty: Mapping[str, Mapping[str, Any]], path: str | Path) -> Path | None:
    """Draw the loyalty to each teacher and to the ensemble (name -> measure -> value); see `quality_chart`."""
    measures = dict.fromkeys(measure for row in loyalty.values() for measure in row)
    figures = {measure: {name: row.get(measure) for name, row in loyalty.items()} for measure in measures}
    return _panels(figures, "ensemble", path, "student's loyalty to")


def training_chart(log_history: Sequence[Mapping[str, Any]], path: str | Path) -> Path | None:
    """Draw every loss in `trainer.state.log_history` over the optimizer steps; see `quality_chart`."""
    losses = dict.fromkeys(
        key for entry in log_history for key in entry if key.endswith("loss") and key != "train_loss"
    )
    curves = {loss: [(entry["step"], entry[loss]) for entry in log_history if loss in entry] for loss in losses}
    curves = {loss: points for loss, points in curves.items() if len(points) > 1}
    if not curves:
        Path(path).unlink(missing_ok=True)
        return None

    figure = Figure(figsize=(7, 4), dpi=DOTS_PER_INCH, layout="constrained")
    axes = figure.subplots()

    for (loss, points), colour in zip(curves.items(), (STUDENT, *OTHERS) * len(curves), strict=False):
        steps, values = zip(*points, strict=True)
        axes.plot(
            steps, values, color=colour, label=_shown(loss.replace("_", " ")), marker="." if len(points) < 20 else ""
        )

    axes.set(xlabel="optimizer step", ylabel="loss")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(frameon=False)
    return _save(figure, path)


def _panels(figures: Mapping[str, Mapping[str, Any]], marked: str, path: str | Path, title: str) -> Path | None:
    rows = _drawable_rows(figures)
    if not rows:
        Path(path).unlink(missing_ok=True)
        return None

    names = list(dict.fromkeys(name for row in rows.values() for name in row))
    colours = _colours(names, marked)
    width, height = min(len(rows), COLUMNS), -(-len(rows) // COLUMNS)

    figure = Figure(figsize=(max(5, 2.6 * width), 2.6 * height + 0.3 * len(names)), dpi=DOTS_PER_INCH)
    figure.set_layout_engine("constrained")
    panels = list(figure.subplots(height, width, squeeze=False).flat)

    for axes, (measure, row) in zip(panels, rows.items(), strict=False):
        _bars(axes, measure, row, colours)
    for axes in panels[len(rows) :]:
        axes.remove()

    handles = [figure.axes[0].bar(0, 0, color=colours[name], label=_shown(name)) for name in names]
    figure.legend(handles=handles, loc="outside lower center", frameon=False, ncols=1, title=title or None)
    return _save(figure, path)


def _drawable_rows(figures: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """Leave out what is not a number, and the measures that have none."""
    rows = {
        measure: {name: value for name, value in row.items() if _drawable(value)} for measure, row in figures.items()
    }
    return {measure: row for measure, row in rows.items() if row}


def _colours(names: Sequence[str], marked: str) -> dict[str, str]:
    others = (name for name in names if name != marked)
    colours = {name: OTHERS[number % len(OTHERS)] for number, name in enumerate(others)}
    return colours | {marked: STUDENT}


def _drawable(value: Any) -> bool:
    return isinstance(value, (int, float)) and isfinite(value)


def _bars(axes: Axes, measure: str, row: Mapping[str, float], colours: Mapping[str, str]) -> None:
    bars = axes.bar(range(len(row)), list(row.values()), color=[colours[name] for name in row], width=0.8)
    axes.bar_label(bars, fmt="%.3g", fontsize=8)

    axes.set_title(_shown(fill(measure.replace("_", " "), TITLE_WIDTH)), fontsize=9)
    axes.set_xticks([])
    axes.tick_params(labelsize=8)
    axes.margins(y=0.12)
    if min(row.values()) >= 0:
        axes.set_ylim(bottom=0)
    axes.spines[["top", "right"]].set_visible(False)


def _shown(name: str) -> str:
    """Write a name as it is: between two dollars matplotlib would read a formula, and may refuse it."""
    return name.replace("$", r"\$")


def _save(figure: Figure, path: str | Path) -> Path:
    return write_whole(path, lambda part: figure.savefig(part, format="png"))
