"""Quality against what it costs: a mark for each model."""

from collections.abc import Mapping

from markupsafe import Markup

from ..tables import format_figure
from .dots import shortened
from .looks import Look, look_of
from .svg import WIDTH, Axis, line, picture, short_number, text

HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 220, 52, 14, 14, 42
LONGEST_NAME = 24
LETTER = 6.2
"""How wide one is, about, in the chart's units."""


def scatter_chart(
    title: str,
    points: Mapping[str, tuple[float, float]],
    looks: Mapping[str, Look],
    *,
    across: str,
    up: str,
    owners: Mapping[str, str] | None = None,
) -> Markup:
    """Draw models by cost, from 0 on, and by quality.

    Args:
        title: What is shown.
        points: Model -> `(cost, quality)`.
        looks: Model -> its look.
        across: What the cost is.
        up: What the quality is.
        owners: Model -> the one whose look it has, where that has another name.
    """
    costs, qualities = ([point[place] for point in points.values()] for place in (0, 1))
    x_axis = Axis.around(costs, LEFT, WIDTH - RIGHT, from_zero=True)
    y_axis = Axis.around(qualities, HEIGHT - BOTTOM, TOP, least=0.02)

    marks, taken = [], list[float]()
    for name, (cost, quality) in sorted(points.items(), key=lambda each: -each[1][1]):
        x, y = x_axis(cost), y_axis(quality)
        marks += [look_of((owners or {}).get(name, name), looks).mark(x, y), _name(name, x, _free(y, taken))]

    said = "; ".join(
        f"{name}: {format_figure(cost)}, {format_figure(quality)}" for name, (cost, quality) in points.items()
    )
    return picture(title, f"{across}, {up}. {said}", HEIGHT, *_frame(x_axis, y_axis, across, up), *marks)


def _name(name: str, x: float, y: float) -> Markup:
    """Write a name beside its mark, on the side where there is more room."""
    words = shortened(name, LONGEST_NAME)
    if x + 12 + LETTER * len(words) <= WIDTH:
        return text(x + 11, y + 4, words, class_="label")
    return text(x - 11, y + 4, words, anchor="end", class_="label")


def _free(y: float, taken: list[float]) -> float:
    """Find a place for a name where none is yet; names are placed from above."""
    if taken:
        y = max(y, taken[-1] + 13)
    taken.append(y)
    return y


def _frame(x_axis: Axis, y_axis: Axis, across: str, up: str) -> list[Markup]:
    frame = [text(LEFT, HEIGHT - 6, f"{across} →"), text(0, TOP - 3, f"↑ {up}")]
    for tick in y_axis.ticks():
        y = y_axis(tick)
        frame += [line(LEFT, y, WIDTH - RIGHT, y), text(LEFT - 8, y + 4, f"{tick:.4g}", anchor="end")]
    for tick in x_axis.ticks():
        x = x_axis(tick)
        frame += [line(x, TOP, x, HEIGHT - BOTTOM), text(x, HEIGHT - BOTTOM + 16, short_number(tick), anchor="middle")]
    return frame
