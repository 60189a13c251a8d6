"""A chart of differences with their intervals: one panel each, zero in the middle of what is looked at."""

from collections.abc import Mapping
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..whole_file import write_whole
from .charts import DOTS_PER_INCH, STUDENT

COLUMNS = 3
Drawn = Mapping[str, tuple[float, tuple[float, float]]]


def interval_chart(panels: Mapping[str, Drawn], path: str | Path, *, title: str) -> Path | None:
    """Draw a dot with its interval for every name, one panel beside the other.

    Args:
        panels: Title -> name -> a difference, and the ends of its interval.
        path: The PNG file to write.
        title: What the differences are.

    Returns:
        `path`, or None where there is nothing to draw; an older chart is then removed.
    """
    shown = {name: rows for name, rows in panels.items() if rows}
    if not shown:
        Path(path).unlink(missing_ok=True)
        return None

    columns = min(len(shown), COLUMNS)
    lines = -(-len(shown) // columns)
    names = [*dict.fromkeys(name for rows in shown.values() for name in rows)]
    size = (2 + 2.3 * columns, (0.9 + 0.26 * len(names)) * lines + 0.3)
    figure = Figure(figsize=size, dpi=DOTS_PER_INCH, layout="constrained")
    axes = list(figure.subplots(lines, columns, squeeze=False, sharey=True).flat)

    for panel, (name, rows) in zip(axes, shown.items(), strict=False):
        _draw(panel, name, rows, names)
    for panel in axes[len(shown) :]:
        panel.remove()
    figure.suptitle(title, fontsize=9, x=0.01, ha="left")
    return write_whole(path, lambda part: figure.savefig(part, format="png"))


def _draw(panel: Axes, title: str, rows: Drawn, names: list[str]) -> None:
    panel.axvline(0, color="#999999", linewidth=0.8, zorder=0)
    for place, name in enumerate(names):
        if name in rows:
            value, (low, high) = rows[name]
            panel.plot([low, high], [place, place], color=STUDENT, linewidth=1.5)
            panel.plot(value, place, "o", color=STUDENT, markersize=5)

    panel.set_title(title.replace("$", r"\$"), fontsize=9)
    panel.set_ylim(len(names) - 0.5, -0.5)
    panel.set_yticks(range(len(names)), [name.replace("$", r"\$") for name in names])
    panel.tick_params(labelsize=8, left=False)
    panel.spines[["top", "right", "left"]].set_visible(False)
