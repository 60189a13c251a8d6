"""Charts of a distillation as PNG files: quality, loyalty, and the training curve."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, isfinite
from pathlib import Path
from textwrap import fill
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ..whole_file import write_whole
from .colours import LOSSES, STUDENT_COLOUR, colours_of

STUDENT = STUDENT_COLOUR.on_light
EVALUATED = "eval_"
DOTS_PER_INCH = 150
COLUMNS = 3
TITLE_WIDTH, NAME_WIDTH = 28, 26  # characters that fit above a panel, and beside it
LONGEST_NAME = 3 * NAME_WIDTH
LEAST_SPAN = 0.01  # of the figures themselves: what differs by less looks nearly the same


@dataclass(frozen=True)
class Scale:
    """What an axis shows at least, and where its measure ends."""

    least_span: float = 0.0
    most: float = inf


OTHER_DATA = "other_data"
"""Marks an entry of a log: what was evaluated there are other data than during the training."""

LOYALTY = Scale(0.1, 1.0)  # a few rows more or less are no difference between teachers


def quality_chart(
    figures: Mapping[str, Mapping[str, Any]], student: str, path: str | Path, teachers: Sequence[str] = ()
) -> Path | None:
    """Draw one panel per measure with a dot per model, on an axis that shows their differences.

    Args:
        figures: Measure -> model -> value; what is not a finite number is left out.
        student: The model that stands out.
        path: The PNG file to write.
        teachers: The teachers in their order, which decides about their colours in every chart.

    Returns:
        `path`, or None when there is nothing to compare; an older chart is then removed.
    """
    compared = any(sum(is_drawable(value) for value in row.values()) > 1 for row in figures.values())
    return _panels(figures if compared else {}, student, teachers, path, "")


def loyalty_chart(
    loyalty: Mapping[str, Mapping[str, Any]], path: str | Path, teachers: Sequence[str] = ()
) -> Path | None:
    """Draw the loyalty to each teacher and to the ensemble (name -> measure -> value); see `quality_chart`."""
    measures = dict.fromkeys(measure for row in loyalty.values() for measure in row)
    figures = {measure: {name: row.get(measure) for name, row in loyalty.items()} for measure in measures}
    return _panels(figures, None, teachers, path, "loyalty of the student to", LOYALTY)


def training_chart(log_history: Sequence[Mapping[str, Any]], path: str | Path) -> Path | None:
    """Draw every loss in `trainer.state.log_history` over the optimizer steps; see `quality_chart`."""
    log_history = of_one_curve(log_history)
    losses = dict.fromkeys(
        key for entry in log_history for key in entry if key.endswith("loss") and key != "train_loss"
    )
    curves = {loss: [(entry["step"], entry[loss]) for entry in log_history if loss in entry] for loss in losses}
    curves = {loss: points for loss, points in curves.items() if len(points) > 1}
    if not curves:
        Path(path).unlink(missing_ok=True)
        return None

    figure = Figure(figsize=(7, 4 + 0.25 * (len(curves) // 2)), dpi=DOTS_PER_INCH, layout="constrained")
    axes = figure.subplots()
    colours = _colours_of_losses([*curves])
    for loss, points in curves.items():
        steps, values = zip(*points, strict=True)
        axes.plot(
            steps,
            values,
            color=colours[loss],
            linestyle="--" if loss.startswith(EVALUATED) else "-",
            label=_shown(_short(loss.replace("_", " "))),
            marker="." if len(points) < 20 else "",
        )

    axes.set(xlabel="optimizer step", ylabel="loss")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside lower center", frameon=False, ncols=2, fontsize=8)  # below: it hides no point
    return _save(figure, path)


def _colours_of_losses(losses: Sequence[str]) -> dict[str, str]:
    """Give the whole loss the student's colour, and each part one that no model has; an evaluation has the same."""
    part_of = {loss: _part(loss, losses) for loss in losses}
    parts = [part for part in dict.fromkeys(part_of.values()) if part != "loss"]

    colours = {"loss": STUDENT} | {part: LOSSES[place % len(LOSSES)] for place, part in enumerate(parts)}
    return {loss: colours[part] for loss, part in part_of.items()}


def _part(loss: str, losses: Sequence[str]) -> str:
    """Return what a curve shows; the loss of an evaluation is the hard one."""
    if loss == f"{EVALUATED}loss" and "hard_loss" in losses:
        return "hard_loss"
    return loss.removeprefix(EVALUATED)


def of_one_curve(log_history: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Leave out what was evaluated on other data than during the training: it continues no curve."""
    return [entry for entry in log_history if OTHER_DATA not in entry]


def _panels(
    figures: Mapping[str, Mapping[str, Any]],
    student: str | None,
    teachers: Sequence[str],
    path: str | Path,
    title: str,
    scale: Scale = Scale(),
) -> Path | None:
    rows = _drawable_rows(figures)
    if not rows:
        Path(path).unlink(missing_ok=True)
        return None

    names = list(dict.fromkeys(name for row in rows.values() for name in row))
    names.sort(key=lambda name: name != student)
    colours = _colours([*dict.fromkeys([*teachers, *names])], student)

    figure, panels = _subplots(len(rows), names)
    for axes, (measure, row) in zip(panels, rows.items(), strict=False):
        _dots(axes, measure, row, names, colours)
        _scale(axes, [*row.values()], scale)
        for label, name in zip(axes.get_yticklabels(), names, strict=False):  # the first of a row alone has labels
            label.set_fontweight("bold" if name == student else "normal")
    for axes in panels[len(rows) :]:
        axes.remove()

    if title:
        figure.suptitle(title, fontsize=9, x=0.01, ha="left")
    return _save(figure, path)


def _subplots(count: int, names: Sequence[str]) -> tuple[Figure, list[Axes]]:
    """Make room for the panels; every row of them has the models' names at its left."""
    columns = min(count, COLUMNS)
    lines = -(-count // columns)
    height = 0.8 + sum(0.14 + 0.16 * _wrapped(name).count("\n") + 0.16 for name in names)

    figure = Figure(figsize=(2 + 2.2 * columns, max(1.7, height) * lines), dpi=DOTS_PER_INCH, layout="constrained")
    return figure, list(figure.subplots(lines, columns, squeeze=False, sharey=True).flat)


def _drawable_rows(figures: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """Leave out what is not a number, and the measures that have none."""
    rows = {
        measure: {name: value for name, value in row.items() if is_drawable(value)} for measure, row in figures.items()
    }
    return {measure: row for measure, row in rows.items() if row}


def _colours(names: Sequence[str], student: str | None) -> dict[str, str]:
    """Give every model its colour on white."""
    colours = colours_of([student] if student else [], names)
    return {name: colour.on_light for name, colour in colours.items()}


def is_drawable(value: Any) -> bool:
    """Whether something is a number that has a place in a chart."""
    return isinstance(value, (int, float)) and isfinite(value)


def _dots(
    axes: Axes, measure: str, row: Mapping[str, float], names: Sequence[str], colours: Mapping[str, str]
) -> None:
    """Draw a measure: one line per model, with its dot and its figure beside it.

    A dot says where a figure is and no more, so the axis need not begin at 0, where bars that are a few percent apart
    would look alike.
    """
    axes.hlines(
        range(len(names)), 0, 1, transform=axes.get_yaxis_transform(), color="#DDDDDD", linewidth=0.8, zorder=0
    )
    for place, name in enumerate(names):
        if name in row:
            large = colours[name] == STUDENT
            axes.plot(row[name], place, "o", color=colours[name], markersize=9 if large else 7, clip_on=False)
            beside: dict[str, Any] = {"xytext": (7, 0), "textcoords": "offset points", "va": "center", "fontsize": 8}
            on_white = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}
            axes.annotate(f"{row[name]:.4g}", (row[name], place), bbox=on_white, **beside)

    axes.set_title(_shown(fill(_short(measure.replace("_", " ")), TITLE_WIDTH)), fontsize=9)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_yticks(range(len(names)), [_shown(_wrapped(name)) for name in names])
    axes.tick_params(labelsize=8, left=False)
    axes.spines[["top", "right", "left"]].set_visible(False)


def _scale(axes: Axes, values: Sequence[float], scale: Scale) -> None:
    """Lay an axis around the figures, with room for the text at the right of the last one.

    It does not go below 0 where no figure does: of most measures there is nothing. Where all figures are the same,
    that one is the only tick: others would tell of differences that nobody has.
    """
    low, high = min(values), max(values)
    least = max(scale.least_span, LEAST_SPAN * (max(abs(low), abs(high)) or 1))
    missing = max(0.0, least - (high - low))
    high = max(high, min(high + missing / 2, scale.most))
    low = min(low, high - least)

    start = low - 0.15 * (high - low)
    axes.set_xlim(max(start, 0.0) if min(values) >= 0 else start, high + 0.45 * (high - low))
    if min(values) == max(values):
        axes.set_xticks([values[0]], [f"{values[0]:.4g}"])
        return

    ticks = MaxNLocator(3).tick_values(*axes.get_xlim())
    axes.set_xticks([tick for tick in ticks if axes.get_xlim()[0] <= tick <= min(axes.get_xlim()[1], scale.most)])


def _wrapped(name: str) -> str:
    """Break a name into lines that fit beside a panel."""
    return fill(_short(name), NAME_WIDTH)


def _short(name: str) -> str:
    """Leave out the middle of a name that is too long for three lines."""
    half = LONGEST_NAME // 2 - 1
    return name if len(name) <= LONGEST_NAME else f"{name[:half]}…{name[-half:]}"


def _shown(name: str) -> str:
    """Write a name as it is: between two dollars matplotlib would read a formula, and may refuse it."""
    return name.replace("$", r"\$")


def _save(figure: Figure, path: str | Path) -> Path:
    return write_whole(path, lambda part: figure.savefig(part, format="png"))
