"""Quality against what it costs: a mark for each model."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from markupsafe import Markup

from ..tables import format_figure
from .dots import shortened
from .looks import Look, look_of
from .svg import WIDTH, Axis, line, picture, short_number, text

HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 220, 52, 14, 14, 42
LONGEST_NAME = 24
LETTER, LINE, MARK = 6.4, 13.0, 8.0
"""How wide a letter is and how high a line, about, and half of what a mark takes, in the chart's units."""


class Box(NamedTuple):
    """What something takes of the picture."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: "Box") -> bool:
        """Whether the two cover each other."""
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom


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

    places = {name: (x_axis(cost), y_axis(quality)) for name, (cost, quality) in points.items()}
    marks = [look_of((owners or {}).get(name, name), looks).mark(*place) for name, place in places.items()]

    said = "; ".join(f"{name}: {format_figure(x)}, {format_figure(y)}" for name, (x, y) in points.items())
    frame = _frame(x_axis, y_axis, across, up)
    return picture(title, f"{across}, {up}. {said}", HEIGHT, *frame, *marks, *_names(places))


def _names(places: Mapping[str, tuple[float, float]]) -> list[Markup]:
    """Write each name where it covers no mark and no other name, as far as there is such a place."""
    taken = [Box(x - MARK, y - MARK, x + MARK, y + MARK) for x, y in places.values()]

    names = []
    for name, place in places.items():
        words = shortened(name, LONGEST_NAME)
        boxes = [*_boxes(*place, LETTER * len(words))]
        box = next((each for each in boxes if not any(each.meets(other) for other in taken)), boxes[0])
        taken.append(box)
        names.append(text(box.left, box.bottom - 3, words, class_="label"))
    return names


def _boxes(x: float, y: float, width: float) -> Iterator[Box]:
    """Propose places for a name: beside its mark, then further and further above and below."""
    for shift in (0.0, -LINE, LINE, -2 * LINE, 2 * LINE, -3 * LINE, 3 * LINE):
        for left in (x + MARK + 2, x - MARK - 2 - width, x - width / 2):
            box = Box(left, y + shift - LINE / 2, left + width, y + shift + LINE / 2)
            if LEFT - 4 <= box.left and box.right <= WIDTH and box.top >= 0 and box.bottom <= HEIGHT - BOTTOM + 4:
                yield box
    yield Box(max(0.0, min(x, WIDTH - width)), y - LINE / 2, WIDTH, y + LINE / 2)


def _frame(x_axis: Axis, y_axis: Axis, across: str, up: str) -> list[Markup]:
    frame = [text(LEFT, HEIGHT - 6, f"{across} →"), text(0, TOP - 3, f"↑ {up}")]
    for tick in y_axis.ticks():
        y = y_axis(tick)
        frame += [line(LEFT, y, WIDTH - RIGHT, y), text(LEFT - 8, y + 4, f"{tick:.4g}", anchor="end")]
    for tick in x_axis.ticks():
        x = x_axis(tick)
        frame += [line(x, TOP, x, HEIGHT - BOTTOM), text(x, HEIGHT - BOTTOM + 16, short_number(tick), anchor="middle")]
    return frame
