"""What was logged over the steps of a training, as lines."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from ..tables import format_figure
from .looks import Look
from .svg import WIDTH, Axis, element, line, picture, short_number, text

HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 190, 46, 10, 8, 26
MOST_POINTS = 300
WITH_MARKS = 12
"""Lines of so few points have a mark at each of them; others at their last one."""


@dataclass(frozen=True)
class Curve:
    """One line.

    Attributes:
        name: What it shows.
        look: The look of the model that it is of.
        points: `(step, value)`, finite, at least two.
        dashed: Whether it was measured in evaluations.
    """

    name: str
    look: Look
    points: Sequence[tuple[float, float]]
    dashed: bool = False


def line_chart(title: str, curves: Sequence[Curve]) -> Markup:
    """Draw curves over the optimizer steps, and a key below them."""
    steps = [step for curve in curves for step, _ in curve.points]
    values = [value for curve in curves for _, value in curve.points]
    across = Axis(min(steps), max(steps), LEFT, WIDTH - RIGHT)
    up = Axis.around(values, HEIGHT - BOTTOM, TOP, least=0.01)

    drawn = picture(title, "; ".join(map(_said, curves)), HEIGHT, *_grid(across, up), *map_curves(curves, across, up))
    return drawn + _key(curves)


def map_curves(curves: Sequence[Curve], across: Axis, up: Axis) -> list[Markup]:
    """Draw each curve with its marks."""
    drawn = []
    for curve in curves:
        places = [(across(step), up(value)) for step, value in _thinned(curve.points)]
        path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
        marked = places if len(places) <= WITH_MARKS else places[-1:]
        class_ = f"curve {curve.look.class_}{' dashed' if curve.dashed else ''}"
        drawn += [element("path", d=path, class_=class_), *(curve.look.mark(x, y, 3.5) for x, y in marked)]
    return drawn


def _thinned(points: Sequence[tuple[float, float]]) -> Sequence[tuple[float, float]]:
    """Leave out points of a long curve, and never its last one."""
    stride = -(-len(points) // MOST_POINTS)
    return [*points[:-1:stride], points[-1]]


def _grid(across: Axis, up: Axis) -> list[Markup]:
    grid = []
    for tick in up.ticks():
        y = up(tick)
        grid += [line(LEFT, y, WIDTH - RIGHT, y), text(LEFT - 8, y + 4, f"{tick:.4g}", anchor="end")]
    for tick in across.ticks(whole=True):
        grid.append(text(across(tick), HEIGHT - 8, short_number(tick), anchor="middle"))
    return grid


def _said(curve: Curve) -> str:
    (first, start), (last, end) = curve.points[0], curve.points[-1]
    return (
        f"{curve.name}: {format_figure(start)} at step {short_number(first)}, "
        f"{format_figure(end)} at step {short_number(last)}"
    )


def _key(curves: Sequence[Curve]) -> Markup:
    items = [
        element(
            "li",
            curve.look.key(),
            f" {curve.name} ",
            element("span", format_figure(curve.points[-1][1]), class_="value"),
        )
        for curve in curves
    ]
    return element("ul", *items, class_="keys")
