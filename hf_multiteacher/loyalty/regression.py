"""How closely a student's outputs rise and fall with its teacher's.

Regression loyalty: Avram et al., LREC 2022 (arXiv 2112.12650).
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from .arrays import as_mask, blocks, same_outputs

ROUNDING = 1e-13


def regression_loyalty(student: Any, teacher: Any, *, mask: Any = None) -> float:
    """Pearson correlation of the two models' outputs, in [-1, 1].

    Args:
        student: outputs `[rows]` or `[rows, 1]`.
        teacher: outputs of the same shape.
        mask: booleans of that shape, true for the rows that count.

    Raises:
        ValueError: if the shapes differ, fewer than two rows count, or outputs are NaN, infinite or nearly all equal.

    Example:
        >>> round(regression_loyalty([0.1, 2.1, 2.9], [0.0, 2.0, 3.0]), 6)
        0.998625
    """
    sums = [(len(block), *block.sum(axis=0)) for block in moments(student, teacher, mask)]
    rows, *totals = np.sum(sums, axis=0)
    return float(correlation(np.array(totals) / rows))


def moments(student: Any, teacher: Any, mask: Any = None) -> Iterator[np.ndarray]:
    """Yield blocks `[rows, 5]` of x, y, x², y² and xy per row: the two outputs, centred and scaled to at most 1."""
    student, teacher = same_outputs(student, teacher)
    kept = as_mask(mask, student.shape)
    x, y = (values.ravel() if kept is None else values[kept] for values in (student, teacher))
    if len(x) < 2:
        raise ValueError(f"Regression loyalty is a correlation and expects at least two rows, but {len(x)} count.")

    x_centre, x_scale = _centre_and_scale(x, "student")
    y_centre, y_scale = _centre_and_scale(y, "teacher")

    for _, picked in blocks(x[:, None]):
        centred_x = (x[picked].astype(np.float64) - x_centre) / x_scale
        centred_y = (y[picked].astype(np.float64) - y_centre) / y_scale
        yield np.stack([centred_x, centred_y, centred_x**2, centred_y**2, centred_x * centred_y], axis=-1)


def correlation(means: np.ndarray) -> np.ndarray:
    """Pearson correlation from means `[..., 5]` of `moments`; NaN where one side does not vary."""
    x, y, xx, yy, xy = np.moveaxis(means, -1, 0)

    x_variance, y_variance = xx - x**2, yy - y**2
    varies = (x_variance > ROUNDING * xx) & (y_variance > ROUNDING * yy)
    product = np.where(varies, x_variance * y_variance, np.nan)
    return np.clip((xy - x * y) / np.sqrt(product), -1.0, 1.0)


def _centre_and_scale(outputs: np.ndarray, whose: str) -> tuple[float, float]:
    centre, low, high = outputs.mean(dtype=np.float64), float(outputs.min()), float(outputs.max())
    if not np.isfinite([centre, low, high]).all():
        raise ValueError(f"Regression loyalty expects finite outputs, but the {whose}'s have NaN or infinite ones.")

    scale = max(high - centre, centre - low)
    if scale <= ROUNDING * abs(centre):
        raise ValueError(
            f"Regression loyalty is a correlation, which does not exist here: the {whose}'s {len(outputs)} outputs "
            f"are all {low:g}, to rounding. A model that always answers the same is worth a look."
        )
    return float(centre), float(scale)
