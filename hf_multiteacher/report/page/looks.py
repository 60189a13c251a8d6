"""How each model looks in every picture of a page: a colour and a shape of its own, and a name beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import cos, pi, sin

from markupsafe import Markup

from ..colours import COLOURS, ENSEMBLE, Colour, colours_of
from ..measured_run import MeasuredRun
from .svg import element

OF_STUDENTS = ("circle", "ring", "pentagon", "star")
OF_TEACHERS = ("square", "triangle", "diamond", "hexagon", "wedge")
CORNERS = {
    "square": (4, pi / 4),
    "triangle": (3, -pi / 2),
    "diamond": (4, 0.0),
    "pentagon": (5, -pi / 2),
    "hexagon": (6, 0.0),
    "wedge": (3, pi / 2),
}


@dataclass(frozen=True)
class Look:
    """The look of one model.

    Attributes:
        colour: Its colour.
        shape: Its mark: one of `OF_STUDENTS`, one of `OF_TEACHERS`, or the `cross` of the ensemble.
    """

    colour: Colour
    shape: str

    @property
    def class_(self) -> str:
        """What the style sheet calls its colour."""
        return f"c-{self.colour.name}"

    def mark(self, x: float, y: float, size: float = 5.5) -> Markup:
        """Draw its mark around a place."""
        class_ = f"mark {self.class_}"
        if self.shape in ("circle", "ring"):
            return element("circle", cx=x, cy=y, r=size, class_=f"{class_} ring" if self.shape == "ring" else class_)
        return element("path", d=_outline(self.shape, x, y, 1.2 * size), class_=class_)

    def key(self) -> Markup:
        """Draw its mark for a line of text."""
        return element("svg", self.mark(7, 7, 5), viewBox="0 0 14 14", class_="key", aria_hidden="true")


def looks_of(runs: Sequence[MeasuredRun]) -> dict[str, Look]:
    """Give every model of the runs a look: students first, then all teachers in their order, then the ensemble."""
    students = [run.name for run in runs]
    teachers = [name for name in dict.fromkeys(name for run in runs for name in run.teachers) if name not in students]
    colours = colours_of(students, teachers)

    looks: dict[str, Look] = {}
    for names, shapes in ((students, OF_STUDENTS), (teachers, OF_TEACHERS)):
        looks |= {name: Look(colours[name], shapes[place % len(shapes)]) for place, name in enumerate(names)}
    return looks | {ENSEMBLE: Look(colours[ENSEMBLE], "cross")}


def look_of(name: str, looks: Mapping[str, Look]) -> Look:
    """Return a model's look; of one that nobody has introduced, the ensemble's colour and a square."""
    return looks.get(name, Look(COLOURS["ink"], "square"))


def style_sheet() -> str:
    """Write the colours for a light page and for a dark one."""
    light = "".join(f".c-{colour.name}{{--c:{colour.on_light}}}" for colour in COLOURS.values())
    dark = "".join(f".c-{colour.name}{{--c:{colour.on_dark}}}" for colour in COLOURS.values())
    return f"{light}@media (prefers-color-scheme:dark){{{dark}}}"


def _outline(shape: str, x: float, y: float, size: float) -> str:
    if shape == "cross":
        arm = 0.75 * size
        return (
            f"M{x - arm:.1f} {y - arm:.1f}l{2 * arm:.1f} {2 * arm:.1f}m0 {-2 * arm:.1f}l{-2 * arm:.1f} {2 * arm:.1f}"
        )

    if shape == "star":
        corners, start, radii = 10, -pi / 2, (size, 0.45 * size)
    else:
        corners, start = CORNERS[shape]
        radii = (size, size)
    points = [
        (
            x + radii[corner % 2] * cos(start + 2 * pi * corner / corners),
            y + radii[corner % 2] * sin(start + 2 * pi * corner / corners),
        )
        for corner in range(corners)
    ]
    return "M" + "L".join(f"{px:.1f} {py:.1f}" for px, py in points) + "Z"
