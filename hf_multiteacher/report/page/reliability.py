"""Whether a model is right as often as it says: accuracy against confidence."""

from collections.abc import Sequence

from markupsafe import Markup

from .looks import Look
from .svg import Axis, element, line, picture, text

SIDE, LEFT, BOTTOM = 140, 34, 30
"""As small as letters of the same size allow: two diagrams stand beside each other on a telephone."""


def calibration_error(bins: Sequence[Sequence[float]]) -> float:
    """Return the expected calibration error: the mean distance of accuracy and confidence, weighted by rows.

    Args:
        bins: Rows, sum of confidences and right answers of each part of the confidences (Guo et al., 2017,
            https://arxiv.org/abs/1706.04599).
    """
    rows = sum(count for count, _, _ in bins)
    return sum(abs(right - sure) for _, sure, right in bins) / rows if rows else 0.0


def reliability_diagram(name: str, bins: Sequence[Sequence[float]], look: Look) -> Markup:
    """Draw a point for each part of the confidences: the larger, the more rows it has.

    Args:
        name: The model.
        bins: As for `calibration_error`.
        look: Its look.
    """
    axis = Axis(0.0, 1.0, LEFT, LEFT + SIDE)
    up = Axis(0.0, 1.0, SIDE + 8, 8)
    points = [(sure / count, right / count, count) for count, sure, right in bins if count]
    most = max((count for _, _, count in points), default=1)

    marks = [
        element("circle", cx=axis(sure), cy=up(right), r=2 + 6 * (count / most) ** 0.5, class_=f"bubble {look.class_}")
        for sure, right, count in points
    ]
    path = "M" + "L".join(f"{axis(sure):.1f} {up(right):.1f}" for sure, right, _ in points)
    curve = [element("path", d=path, class_=f"curve {look.class_}")] if len(points) > 1 else []

    said = f"Calibration error {calibration_error(bins):.3f}. " + "; ".join(
        f"{sure:.0%} sure, {right:.0%} right, {count:,.0f} rows" for sure, right, count in points
    )
    return picture(
        f"Reliability of {name}", said, SIDE + BOTTOM + 16, *_frame(axis, up), *curve, *marks, width=SIDE + LEFT + 20
    )


def _frame(axis: Axis, up: Axis) -> list[Markup]:
    frame = [line(axis(0), up(0), axis(1), up(1), "diagonal")]
    for tick in (0.0, 0.5, 1.0):
        frame += [
            line(axis(0), up(tick), axis(1), up(tick)),
            text(axis(0) - 6, up(tick) + 4, f"{tick:g}", anchor="end"),
            text(axis(tick), up(0) + 16, f"{tick:g}", anchor="middle"),
        ]
    return [*frame, text(axis(0.5), up(0) + 31, "how sure →", anchor="middle")]
