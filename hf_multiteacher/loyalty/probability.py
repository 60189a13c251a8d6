"""How closely a student's outputs follow its teacher's: label, probability and regression loyalty on numpy arrays.

Label and probability loyalty: Xu et al., Beyond Preserved Accuracy, EMNLP 2021 (arXiv 2109.03228). Regression loyalty:
Avram et al., LREC 2022 (arXiv 2112.12650). Every function takes the student first and the teacher second, as lists,
arrays or tensors, and works through them in small blocks of float64. Copied as a whole, once, are only lists, tensors
in bfloat16 or on a GPU, regression outputs under a mask, and cuts through three or more axes such as `logits[:, 1:]`.

`*_agreement` gives one value per row, to be added up over batches, `*_loyalty` the figure of a data set.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

IGNORED_LABEL = -100
SUM_TOLERANCE = 0.01
ROUNDING = 1e-13
BLOCK_ENTRIES = 1 << 15


def as_array(values: Any) -> np.ndarray:
    """Give a list, an array or a tensor (on any device, with or without gradient) as a numpy array of numbers."""
    if hasattr(values, "detach"):
        values = values.detach().cpu()
        values = values.float() if str(values.dtype) == "torch.bfloat16" else values
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise ValueError(
            "Loyalty expects the same number of values in every row, but the rows differ in length. "
            "Pad them and leave the padding out with mask=, or join them into one long list of rows."
        ) from error
    if array.dtype.kind not in "biuf":
        raise TypeError(
            f"Loyalty expects numbers from both models, but got {type(values).__name__} of dtype {array.dtype}."
        )
    return array


def label_agreement(student_labels: Any, teacher_labels: Any, *, mask: Any = None) -> np.ndarray:
    """Say for each row whether the student chose the teacher's label.

    Args:
        student_labels: class labels, integers of any shape.
        teacher_labels: class labels of the same shape. A row with -100 in either array is left out.
        mask: booleans of that shape, true for the rows that count.

    Returns:
        Booleans `[rows that count]`.

    Raises:
        ValueError: if the shapes differ or the labels are not integers.
    """
    student, teacher = same_labels(student_labels, teacher_labels)
    return (student == teacher)[labelled_rows(student, teacher, mask)]


def predicted_labels(scores: Any, *, mask: Any = None) -> np.ndarray:
    """Choose the most probable class of each row that counts, the first of equal ones, from `[..., classes]`."""
    array = as_array(scores)
    rows, kept = score_rows(array), _as_mask(mask, array.shape[:-1])
    labels = np.empty(len(rows) if kept is None else kept.sum(), np.min_scalar_type(-rows.shape[1]))
    for place, picked in _blocks(rows, kept):
        labels[place] = rows[picked].argmax(axis=1)
    return labels


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
    kept = _as_mask(mask, student.shape[:-1])
    student, teacher = score_rows(student), score_rows(teacher)
    agreement = np.empty(len(student) if kept is None else kept.sum())
    for place, picked in _blocks(student, kept):
        p = _distributions(teacher[picked], "teacher", place.start, from_logits)
        q = _distributions(student[picked], "student", place.start, from_logits)
        agreement[place] = 1.0 - _jensen_shannon_distance(p, q, base)
    return agreement


def label_loyalty(student_labels: Any, teacher_labels: Any, *, mask: Any = None) -> float:
    """Share of the rows where the student chooses the teacher's label, in [0, 1]; arguments as `label_agreement`.

    Example:
        >>> label_loyalty([0, 1, 2, 2], [0, 1, 1, -100])
        0.6666666666666666
    """
    return mean_over_rows(label_agreement(student_labels, teacher_labels, mask=mask))


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
    kept = _as_mask(mask, student.shape)
    x, y = (values.ravel() if kept is None else values[kept] for values in (student, teacher))
    if len(x) < 2:
        raise ValueError(f"Regression loyalty is a correlation and expects at least two rows, but {len(x)} count.")
    (x_centre, x_scale), (y_centre, y_scale) = _centre_and_scale(x, "student"), _centre_and_scale(y, "teacher")
    for start in range(0, len(x), BLOCK_ENTRIES):
        centred_x = (x[start : start + BLOCK_ENTRIES].astype(np.float64) - x_centre) / x_scale
        centred_y = (y[start : start + BLOCK_ENTRIES].astype(np.float64) - y_centre) / y_scale
        yield np.stack([centred_x, centred_y, centred_x**2, centred_y**2, centred_x * centred_y], axis=-1)


def correlation(means: np.ndarray) -> np.ndarray:
    """Pearson correlation from means `[..., 5]` of `moments`; NaN where one side does not vary."""
    x, y, xx, yy, xy = np.moveaxis(means, -1, 0)
    x_variance, y_variance = xx - x**2, yy - y**2
    varies = (x_variance > ROUNDING * xx) & (y_variance > ROUNDING * yy)
    product = np.where(varies, x_variance * y_variance, np.nan)
    return np.clip((xy - x * y) / np.sqrt(product), -1.0, 1.0)


def same_shape(student: Any, teacher: Any) -> tuple[np.ndarray, np.ndarray]:
    """Give both as arrays, once their shapes are known to be equal."""
    student, teacher = as_array(student), as_array(teacher)
    if student.shape != teacher.shape:
        raise ValueError(
            f"Loyalty compares the same rows of two models, but the student's output has shape {student.shape} and "
            f"the teacher's {teacher.shape}. Run both on the same examples, with the classes in the same order."
        )
    return student, teacher


def score_rows(scores: np.ndarray) -> np.ndarray:
    """Give scores `[..., classes]` as `[rows, classes]`; an empty list as no rows."""
    if scores.shape != (0,) and (scores.ndim < 2 or not scores.shape[-1]):
        raise ValueError(
            f"Loyalty expects scores of shape [..., classes] with at least one row axis, but got {scores.shape}. "
            "Class labels belong in label loyalty; one output per row in regression loyalty."
        )
    return scores.reshape(-1, scores.shape[-1] or 1)


def same_labels(student_labels: Any, teacher_labels: Any) -> tuple[np.ndarray, np.ndarray]:
    """Give both as arrays of one shape, once they are known to hold class labels."""
    student, teacher = same_shape(student_labels, teacher_labels)
    for whose, labels in (("student", student), ("teacher", teacher)):
        if labels.dtype.kind == "f" and labels.size:
            raise ValueError(
                f"Label loyalty expects class labels, which are integers, but the {whose}'s are {labels.dtype}. "
                "Probabilities or logits: take the argmax over the classes, or ask for probability loyalty."
            )
    return student, teacher


def same_outputs(student: Any, teacher: Any) -> tuple[np.ndarray, np.ndarray]:
    """Give both as arrays of one shape, once they are known to hold one output per row."""
    student, teacher = same_shape(student, teacher)
    if student.shape[1:] not in ((), (1,)):
        raise ValueError(
            f"Regression loyalty expects one output per row, but got shape {student.shape}. "
            "Several outputs per row: ask for the loyalty of each column."
        )
    return student, teacher


def labelled_rows(student_labels: np.ndarray, teacher_labels: np.ndarray, mask: Any = None) -> np.ndarray:
    """Booleans of the labels' shape: true where neither label is -100 and the mask, if any, is true."""
    kept = (student_labels != IGNORED_LABEL) & (teacher_labels != IGNORED_LABEL)
    return kept if mask is None else kept & _as_mask(mask, kept.shape)


def mean_over_rows(rows: np.ndarray) -> float:
    """Mean of per-row values; an error where no row counts."""
    if not len(rows):
        raise ValueError(
            "Loyalty is a mean over rows, but no row counts: the input is empty or all of it is left out by the mask "
            "or by -100. Check the mask, and that both models were run."
        )
    return float(rows.mean())


def _as_mask(mask: Any, shape: tuple[int, ...]) -> np.ndarray | None:
    if mask is None:
        return None
    mask = as_array(mask)
    if mask.dtype != bool or mask.shape != shape:
        raise ValueError(
            f"mask expects booleans of shape {shape}, one per row, but got {mask.dtype} of shape {mask.shape}. "
            "From labels: mask=labels != -100; from an attention mask: mask=attention_mask == 1."
        )
    return mask


def _blocks(rows: np.ndarray, kept: np.ndarray | None) -> Iterator[tuple[slice, Any]]:
    """Yield for each block of rows its place among those that count, and what picks these from all rows."""
    size, done = max(1, BLOCK_ENTRIES // rows.shape[1]), 0
    for start in range(0, len(rows), size):
        picked: Any = slice(start, min(start + size, len(rows)))
        count = picked.stop - start
        if kept is not None:
            picked = start + np.flatnonzero(kept.ravel()[picked])
            count = len(picked)
        yield slice(done, done + count), picked
        done += count


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
        raise ValueError(
            f"Probability loyalty expects {'finite logits' if from_logits else 'probabilities that sum to 1'}, but "
            f"row {first_row + row} of the {whose}'s is {np.array2string(scores[row], threshold=8, precision=4)}. "
            + ("Look for NaN in the model's output." if from_logits else "Logits: say from_logits=True.")
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
