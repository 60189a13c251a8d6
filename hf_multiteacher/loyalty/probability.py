"""How close a student's distributions over the classes are to its teacher's.

Probability loyalty: Xu et al., Beyond Preserved Accuracy, EMNLP 2021 (arXiv 2109.03228).
"""

from typing import Any

import numpy as np

from .arrays import as_mask, blocks, mean_over_rows, same_shape, score_rows

SUM_TOLERANCE = 0.01


def probability_agreement(
    student: Any, teacher: Any, *, from_logits: bool = False, base: float | None = None, mask: Any = None
) -> np.ndarray:
    """Give for each row one minus the Jensen-Shannon distance of the two distributions.

    The distance is the root of the Jensen-Shannon divergence, as in `scipy.spatial.distance.jensenshannon`; taking
    its root once more is a known bug. As there, each row is divided by its sum.

    Args:
        student: probabilities `[..., classes]`, or logits with `from_logits=True`.
        teacher: the teacher's, of the same shape and with the classes in the same order.
        from_logits: whether both are logits, to be put through a softmax.
        base: of the logarithm: natural by default (values from 0.1674 to 1), 2 for values from 0 to 1.
        mask: booleans `[...]`, true for the rows that count.

    Returns:
        `[rows that count]`, float64.

    Raises:
        ValueError: if the shapes differ or a row that counts is no distribution: negative, sum not 1, NaN, infinite.
    """
    if not (base is None or (isinstance(base, int | float | np.number) and base > 1)):
        raise ValueError(f"Probability loyalty expects a logarithm with a base above 1, but got base={base!r}.")

    student, teacher = same_shape(student, teacher)
    kept = as_mask(mask, student.shape[:-1])
    student, teacher = score_rows(student), score_rows(teacher)
    agreement = np.empty(len(student) if kept is None else kept.sum())

    for place, picked in blocks(student, kept):
        p = _distributions(teacher[picked], "teacher", place.start, from_logits)
        q = _distributions(student[picked], "student", place.start, from_logits)
        agreement[place] = 1.0 - _jensen_shannon_distance(p, q, base)
    return agreement


def probability_loyalty(
    student: Any, teacher: Any, *, from_logits: bool = False, base: float | None = None, mask: Any = None
) -> float:
    """Mean over the rows of one minus the Jensen-Shannon distance; arguments as `probability_agreement`.

    Example:
        >>> round(probability_loyalty([[0.7, 0.2, 0.1]], [[0.5, 0.3, 0.2]]), 6)
        0.85201
        >>> round(probability_loyalty([[0.7, 0.2, 0.1]], [[0.5, 0.3, 0.2]], base=2), 6)
        0.822245
    """
    return mean_over_rows(probability_agreement(student, teacher, from_logits=from_logits, base=base, mask=mask))


def _distributions(scores: np.ndarray, whose: str, first_row: int, from_logits: bool) -> np.ndarray:
    """Probabilities `[classes, rows]` in float64: class by class, because sums over a short last axis are slow."""
    values = np.array(scores.T, dtype=np.float64, order="C")
    if from_logits:
        with np.errstate(invalid="ignore"):
            values -= values.max(axis=0)
        np.exp(values, out=values)

    total = values.sum(axis=0)
    right = np.isfinite(total) if from_logits else (values.min(axis=0) >= 0) & (np.abs(total - 1) <= SUM_TOLERANCE)
    if not right.all():
        row = int(np.argmin(right))
        expected = "finite logits" if from_logits else "probabilities that sum to 1"
        remedy = "Look for NaN in the model's output." if from_logits else "Logits: say from_logits=True."
        raise ValueError(
            f"Probability loyalty expects {expected}, but row {first_row + row} of the {whose}'s is "
            f"{np.array2string(scores[row], threshold=8, precision=4)}. {remedy}"
        )

    values /= total
    return values


def _jensen_shannon_distance(p: np.ndarray, q: np.ndarray, base: float | None) -> np.ndarray:
    """Distance of each pair of columns of `[classes, rows]`.

    With m = (p + q) / 2 and d = (p - q) / (p + q), p ln(p / m) + q ln(q / m) is p ln(1 + d) + q ln(1 - d): exact to
    rounding also where p and q nearly agree, and zero where they are equal.
    """
    total = p + q
    difference = np.divide(p - q, total, out=np.zeros_like(total), where=total > 0)

    above_minus_one = -1 + np.finfo(np.float64).epsneg
    divergence = p * np.log1p(np.maximum(difference, above_minus_one))
    divergence += q * np.log1p(np.maximum(-difference, above_minus_one))
    divergence = divergence.sum(axis=0) / (2 if base is None else 2 * np.log(base))
    return np.sqrt(np.maximum(divergence, 0))
