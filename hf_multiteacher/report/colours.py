"""The colours of the models, the same in every picture: the charts of a card and the page of a report."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

ENSEMBLE = "ensemble"


class Colour(NamedTuple):
    """One colour of Okabe and Ito's palette, which colour-blind readers can tell apart, in two strengths.

    Attributes:
        name: What a style sheet calls it.
        on_light: On white, with a contrast of at least 3.
        on_dark: On a dark page, likewise.
    """

    name: str
    on_light: str
    on_dark: str


STUDENT_COLOUR = Colour("blue", "#0072B2", "#4DA6E0")
ENSEMBLE_COLOUR = Colour("ink", "#222222", "#E5E5E5")
OTHERS = (
    Colour("grey", "#8A8A8A", "#A8A8A8"),
    Colour("purple", "#CC79A7", "#E39AC4"),
    Colour("orange", "#C58500", "#F0B030"),
    Colour("sky", "#3A95CC", "#7CC8F5"),
    Colour("green", "#009E73", "#40C79C"),
    Colour("vermilion", "#D55E00", "#FF8A3C"),
    Colour("yellow", "#8F8700", "#E8DC50"),
)
LOSSES = ("#8C4A2F", "#4B4E9E", "#5E7A1F", "#8E2C6A", "#3F6F6F", "#6B5B4B")
"""Of the parts of a loss, on white with a contrast of at least 4.5: none of them is a model's."""
COLOURS: Mapping[str, Colour] = MappingProxyType(
    {colour.name: colour for colour in (STUDENT_COLOUR, ENSEMBLE_COLOUR, *OTHERS)}
)


def colours_of(students: Sequence[str], others: Sequence[str]) -> dict[str, Colour]:
    """Give every model its colour: the first student and the ensemble always the same, the others by their order.

    Args:
        students: The students that are compared; those after the first have what the other models leave, from behind.
        others: The teachers in their order; the ensemble may be among them.

    Returns:
        Model -> colour.
    """
    first, *more = students or [""]
    teachers = [name for name in dict.fromkeys(others) if name not in (*students, ENSEMBLE)]

    colours = {name: OTHERS[place % len(OTHERS)] for place, name in enumerate(teachers)}
    colours |= {name: OTHERS[-1 - (place + 1) % len(OTHERS)] for place, name in enumerate(more)}
    return colours | {ENSEMBLE: ENSEMBLE_COLOUR} | ({first: STUDENT_COLOUR} if students else {})
