"""A measure of several models: a line for each, with its mark where its figure is and the figure beside its name."""

from collections.abc import Mapping, Sequence
from math import inf

from markupsafe import Markup

from ..tables import format_figure
from .looks import Look, look_of
from .svg import WIDTH, Axis, element, line, picture, text

ROW, FOOT, SIDE = 42, 18, 8
LONGEST_NAME = 40
LEAST_SPAN = 0.01


def dot_chart(
    title: str,
    figures: Mapping[str, float],
    looks: Mapping[str, Look],
    *,
    owners: Mapping[str, str] | None = None,
    together: Sequence[float] = (),
    least: float = LEAST_SPAN,
    most: float = inf,
) -> Markup:
    """Draw a measure of several models.

    Args:
        title: The measure.
        figures: Row -> its figure.
        looks: Model -> its look.
        owners: Row -> the model whose look it has, where the row has another name.
        together: The figures of other charts that share the axis.
        least: What differs by less than this share looks nearly the same.
        most: The largest figure that there is.
    """
    axis = Axis.around([*figures.values(), *together], SIDE, WIDTH - SIDE, least=least)
    height = ROW * len(figures) + FOOT

    rows = []
    for place, (name, value) in enumerate(figures.items()):
        y = ROW * place + 30
        look = look_of((owners or {}).get(name, name), looks)
        rows += [
            text(0, y - 15, shortened(name, LONGEST_NAME), class_="name"),
            text(WIDTH, y - 15, format_figure(value), anchor="end", class_="value"),
            line(0, y, WIDTH, y),
            look.mark(axis(value), y),
        ]

    said = "; ".join(f"{name} {format_figure(value)}" for name, value in figures.items())
    return picture(title, said, height, *rows, *_feet(axis, height, most))


def shortened(name: str, longest: int) -> str:
    """Leave out the middle of a name that is too long."""
    half = longest // 2 - 1
    return name if len(name) <= longest else f"{name[:half]}…{name[-half:]}"


def _feet(axis: Axis, height: float, most: float) -> list[Markup]:
    ticks = [tick for tick in axis.ticks() if tick <= most]
    return [
        element("g", *(text(axis(tick), height - 3, f"{tick:.4g}", anchor="middle") for tick in ticks), class_="feet")
    ]
