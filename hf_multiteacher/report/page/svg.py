"""Pictures as SVG in a page: elements, whose text is always escaped, and axes."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from markupsafe import Markup
from matplotlib.ticker import MaxNLocator

WIDTH = 340
"""Of every chart: as wide as a telephone, so that its letters are as large there as elsewhere."""
TICKS = 4


def element(name: str, *content: str | Markup, **attributes: object) -> Markup:
    """Write an element of HTML or SVG.

    Args:
        name: Of the element.
        *content: Text, which is escaped, and other elements.
        **attributes: An underscore stands for a hyphen, one at the end for nothing (`class_`); None leaves one out.
    """
    given = Markup("").join(
        Markup(' {}="{}"').format(key.rstrip("_").replace("_", "-"), _written(value))
        for key, value in attributes.items()
        if value is not None
    )
    return Markup("<{0}{1}>{2}</{0}>").format(name, given, Markup("").join(content))


def picture(title: str, description: str, height: float, *content: Markup, width: float = WIDTH) -> Markup:
    """Write a chart that a screen reader can tell of.

    Args:
        title: What it shows, in a few words.
        description: What there is to see, in a sentence.
        height: In units of which `width` are as wide as the place that it is given.
        *content: Its elements.
        width: See `height`.
    """
    size = f"0 0 {_written(width)} {_written(height)}"
    return element("svg", *content, viewBox=size, role="img", aria_label=f"{title}. {description}")


def text(x: float, y: float, words: str, *, anchor: str = "start", class_: str = "tick") -> Markup:
    """Write words at a place; `anchor` is `start`, `middle` or `end`."""
    return element("text", words, x=x, y=y, text_anchor=anchor, class_=class_)


def line(x1: float, y1: float, x2: float, y2: float, class_: str = "rule") -> Markup:
    """Draw a straight line."""
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)


@dataclass(frozen=True)
class Axis:
    """Numbers on a line of the picture.

    Attributes:
        low: The number at its start.
        high: That at its end; above `low`.
        start: Where it starts.
        end: Where it ends.
    """

    low: float
    high: float
    start: float
    end: float

    @classmethod
    def around(
        cls, values: Sequence[float], start: float, end: float, *, from_zero: bool = False, least: float = 0.0
    ) -> "Axis":
        """Make an axis that holds all values, with a margin.

        Args:
            values: Finite numbers.
            start: Where it starts.
            end: Where it ends.
            from_zero: Whether 0 is on it.
            least: What the values differ by at least, as a share of the largest, so that trifles look like trifles.
        """
        low, high = min([*values, 0.0] if from_zero else values), max(values)
        missing = max(0.0, least * (max(abs(low), abs(high)) or 1) - (high - low)) / 2
        margin = 0.08 * (high - low + 2 * missing) or 0.5
        return cls(low - (0 if from_zero and low == 0 else margin + missing), high + margin + missing, start, end)

    def __call__(self, value: float) -> float:
        """Return the place of a number."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self, *, whole: bool = False) -> list[float]:
        """Return round numbers on the axis; with `whole` none between two steps."""
        found = MaxNLocator(TICKS, integer=whole).tick_values(self.low, self.high)
        return [float(tick) for tick in found if self.low <= tick <= self.high]


def short_number(value: float) -> str:
    """Write a number as an axis does: `1.2M`, `340k`, `0.25`."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:.4g}"


def _written(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.1f}".removesuffix(".0") if isfinite(value) else "0"
    return str(value)
