"""The numbers that two sides answer to the same examples, one beside the other."""

from collections.abc import Sequence

from markupsafe import Markup

from ..tables import format_figure
from .dots import shortened
from .looks import Look
from .svg import Axis, element, line, picture, short_number, text

SIDE, LEFT, TOP, BOTTOM = 140, 34, 22, 44
LONGEST_NAME = 24

Pair = tuple[float, float]


def number_chart(title: str, pairs: Sequence[Pair], look: Look, *, across: str, up: str, span: Pair) -> Markup:
    """Draw a point for each example: on the diagonal both say the same.

    Args:
        title: What is shown.
        pairs: The two numbers of each example.
        look: The look of the model whose numbers go up.
        across: Whose numbers go to the right.
        up: Whose go up.
        span: The lowest and the highest number of all pictures that are to be compared.
    """
    x_axis = Axis.around(span, LEFT, LEFT + SIDE)
    y_axis = Axis.around(span, TOP + SIDE, TOP)
    points = [element("circle", cx=x_axis(x), cy=y_axis(y), r=2.0) for x, y in pairs]

    frame = _frame(x_axis, y_axis, across, up)
    cloud = element("g", *points, class_=f"cloud {look.class_}")
    return picture(title, _said(pairs, across, up), TOP + SIDE + BOTTOM, *frame, cloud, width=LEFT + SIDE + 20)


def _said(pairs: Sequence[Pair], across: str, up: str) -> str:
    apart = sum(abs(x - y) for x, y in pairs) / len(pairs)
    return f"To the right {across}, up {up}. {len(pairs):,} examples; the mean difference is {format_figure(apart)}"


def _frame(x_axis: Axis, y_axis: Axis, across: str, up: str) -> list[Markup]:
    low, high = x_axis.low, x_axis.high
    frame = [line(x_axis(low), y_axis(low), x_axis(high), y_axis(high), "diagonal")]
    for tick in x_axis.ticks():
        frame += [
            line(x_axis(low), y_axis(tick), x_axis(high), y_axis(tick)),
            text(LEFT - 6, y_axis(tick) + 4, short_number(tick), anchor="end"),
            text(x_axis(tick), TOP + SIDE + 16, short_number(tick), anchor="middle"),
        ]

    to_the_right = text(LEFT + SIDE, TOP + SIDE + 36, f"{shortened(across, LONGEST_NAME)} →", anchor="end")
    return [*frame, to_the_right, text(0, 10, f"↑ {shortened(up, LONGEST_NAME)}")]
