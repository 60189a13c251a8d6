"""How often a student chooses its teacher's label.

Label loyalty: Xu et al., Beyond Preserved Accuracy, EMNLP 2021 (arXiv 2109.03228).
"""

from typing import Any

import numpy as np

from .arrays import as_array, as_mask, blocks, mean_over_rows, same_labels, score_rows

IGNORED_LABEL = -100


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


def label_loyalty(student_labels: Any, teacher_labels: Any, *, mask: Any = None) -> float:
    """Share of the rows where the student chooses the teacher's label, in [0, 1]; arguments as `label_agreement`.

    Example:
        >>> label_loyalty([0, 1, 2, 2], [0, 1, 1, -100])
        0.6666666666666666
    """
    return mean_over_rows(label_agreement(student_labels, teacher_labels, mask=mask))


def labelled_rows(student_labels: np.ndarray, teacher_labels: np.ndarray, mask: Any = None) -> np.ndarray:
    """Booleans of the labels' shape: true where neither label is -100 and the mask, if any, is true."""
    labelled = (student_labels != IGNORED_LABEL) & (teacher_labels != IGNORED_LABEL)
    kept = as_mask(mask, labelled.shape)
    return labelled if kept is None else labelled & kept


def predicted_labels(scores: Any, *, mask: Any = None) -> np.ndarray:
    """Choose the most probable class of each row that counts, the first of equal ones, from `[..., classes]`."""
    array = as_array(scores)
    rows, kept = score_rows(array), as_mask(mask, array.shape[:-1])
    labels = np.empty(len(rows) if kept is None else kept.sum(), np.min_scalar_type(-rows.shape[1]))

    for place, picked in blocks(rows, kept):
        labels[place] = rows[picked].argmax(axis=1)
    return labels


def cohen_kappa(student_labels: Any, teacher_labels: Any) -> float:
    """Agreement of the labels beyond chance: 1 in full, 0 as by chance, NaN where both only ever chose one class."""
    from sklearn.metrics import cohen_kappa_score

    student, teacher = np.ravel(student_labels), np.ravel(teacher_labels)
    if (student == student[0]).all() and (teacher == student[0]).all():
        return float("nan")
    return float(cohen_kappa_score(student, teacher))
