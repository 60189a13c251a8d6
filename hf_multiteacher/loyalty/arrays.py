"""The outputs of two models as arrays of one shape: checked, masked, and taken in small blocks."""

from collections.abc import Iterator
from typing import Any

import numpy as np

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


def as_mask(mask: Any, shape: tuple[int, ...]) -> np.ndarray | None:
    """Give a mask as booleans of the rows' shape, and none as none.

    Raises:
        ValueError: it holds no booleans, or not one per row.
    """
    if mask is None:
        return None
    mask = as_array(mask)
    if mask.dtype != bool or mask.shape != shape:
        raise ValueError(
            f"mask expects booleans of shape {shape}, one per row, but got {mask.dtype} of shape {mask.shape}. "
            "From labels: mask=labels != -100; from an attention mask: mask=attention_mask == 1."
        )
    return mask


def blocks(rows: np.ndarray, kept: np.ndarray | None = None) -> Iterator[tuple[slice, Any]]:
    """Go through rows in blocks that stay in the processor's cache.

    Args:
        rows: `[rows, classes]`.
        kept: booleans, one per row, true for the rows that count; all by default.

    Yields:
        The block's place among the rows that count, and what picks these from all rows.
    """
    size, done = max(1, BLOCK_ENTRIES // rows.shape[1]), 0

    for start in range(0, len(rows), size):
        picked: Any = slice(start, min(start + size, len(rows)))
        count = picked.stop - start
        if kept is not None:
            picked = start + np.flatnonzero(kept.ravel()[picked])
            count = len(picked)

        yield slice(done, done + count), picked
        done += count


def mean_over_rows(rows: np.ndarray) -> float:
    """Mean of per-row values; an error where no row counts."""
    if not len(rows):
        raise ValueError(
            "Loyalty is a mean over rows, but no row counts: the input is empty or all of it is left out by the mask "
            "or by -100. Check the mask, and that both models were run."
        )
    return float(rows.mean())
