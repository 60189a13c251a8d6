"""Loyalty with what readers ask for beside it: confidence intervals, figures per class, agreement beyond chance."""

from typing import Any

import numpy as np

from .arrays import mean_over_rows, same_labels
from .bootstrap import SAMPLES, SEED, bootstrap_interval, interval_options
from .label import cohen_kappa, label_agreement, labelled_rows, predicted_labels
from .probability import probability_agreement
from .regression import correlation, moments, regression_loyalty


def label_report(
    student_labels: Any,
    teacher_labels: Any,
    *,
    mask: Any = None,
    per_class: bool = False,
    kappa: bool = False,
    confidence_level: float | None = None,
    bootstrap_samples: int = SAMPLES,
    seed: int = SEED,
) -> dict[str, Any]:
    """Label loyalty with what is asked for beside it.

    Args:
        student_labels: as for `label_agreement`.
        teacher_labels: as for `label_agreement`.
        mask: as for `label_agreement`.
        per_class: add `per_class`, the `class_figures`.
        kappa: add `cohen_kappa`.
        confidence_level: add `label_loyalty_interval`, as `bootstrap_interval` gives it.
        bootstrap_samples: of that interval.
        seed: of that interval.
    """
    bootstrap = interval_options(confidence_level, bootstrap_samples, seed)
    rows = label_agreement(student_labels, teacher_labels, mask=mask)
    report = _with_interval("label_loyalty", rows, bootstrap)

    if per_class or kappa:
        student, teacher = same_labels(student_labels, teacher_labels)
        kept = labelled_rows(student, teacher, mask)
        report |= _label_details(student[kept], teacher[kept], per_class, kappa)

    return report


def probability_report(
    student: Any,
    teacher: Any,
    *,
    from_logits: bool = False,
    base: float | None = None,
    mask: Any = None,
    confidence_level: float | None = None,
    bootstrap_samples: int = SAMPLES,
    seed: int = SEED,
) -> dict[str, Any]:
    """Probability loyalty, and its interval if a `confidence_level` is given; see `probability_agreement`."""
    bootstrap = interval_options(confidence_level, bootstrap_samples, seed)
    rows = probability_agreement(student, teacher, from_logits=from_logits, base=base, mask=mask)
    return _with_interval("probability_loyalty", rows, bootstrap)


def classification_report(
    student: Any,
    teacher: Any,
    *,
    from_logits: bool = False,
    base: float | None = None,
    mask: Any = None,
    per_class: bool = False,
    kappa: bool = False,
    confidence_level: float | None = None,
    bootstrap_samples: int = SAMPLES,
    seed: int = SEED,
) -> dict[str, Any]:
    """Label and probability loyalty of the same scores, with what is asked for beside them.

    Args:
        student: as for `probability_agreement`; the label is the most probable class.
        teacher: as for `probability_agreement`.
        from_logits: as for `probability_agreement`.
        base: as for `probability_agreement`.
        mask: as for `probability_agreement`.
        per_class: as for `label_report`.
        kappa: as for `label_report`.
        confidence_level: as for `label_report`; both figures get an interval.
        bootstrap_samples: as for `label_report`.
        seed: as for `label_report`.
    """
    bootstrap = interval_options(confidence_level, bootstrap_samples, seed)
    closeness = probability_agreement(student, teacher, from_logits=from_logits, base=base, mask=mask)
    student_labels = predicted_labels(student, mask=mask)
    teacher_labels = predicted_labels(teacher, mask=mask)

    report = _with_interval("label_loyalty", student_labels == teacher_labels, bootstrap)
    report |= _with_interval("probability_loyalty", closeness, bootstrap)
    report |= _label_details(student_labels, teacher_labels, per_class, kappa, probability_loyalty=closeness)

    return report


def regression_report(
    student: Any,
    teacher: Any,
    *,
    mask: Any = None,
    confidence_level: float | None = None,
    bootstrap_samples: int = SAMPLES,
    seed: int = SEED,
) -> dict[str, Any]:
    """Regression loyalty, and its interval if a `confidence_level` is given; see `regression_loyalty`."""
    bootstrap = interval_options(confidence_level, bootstrap_samples, seed)
    report: dict[str, Any] = {"regression_loyalty": regression_loyalty(student, teacher, mask=mask)}

    if bootstrap:
        rows = np.concatenate(list(moments(student, teacher, mask)))
        report["regression_loyalty_interval"] = bootstrap_interval(rows, **bootstrap, statistic=correlation)

    return report


def class_figures(teacher_labels: np.ndarray, **figures: np.ndarray) -> dict[int, dict[str, float]]:
    """Average per-row figures within each class that the teacher chose, beside the number of its rows."""
    classes, index, counts = np.unique(teacher_labels, return_inverse=True, return_counts=True)
    means = {name: np.bincount(index, weights=rows) / counts for name, rows in figures.items()}

    return {
        int(label): {"rows": int(counts[i]), **{name: float(mean[i]) for name, mean in means.items()}}
        for i, label in enumerate(classes)
    }


def _with_interval(name: str, rows: np.ndarray, bootstrap: dict[str, Any]) -> dict[str, Any]:
    figures: dict[str, Any] = {name: mean_over_rows(rows)}
    if bootstrap:
        figures[f"{name}_interval"] = bootstrap_interval(rows, **bootstrap)
    return figures


def _label_details(
    student_labels: np.ndarray, teacher_labels: np.ndarray, per_class: bool, kappa: bool, **figures: np.ndarray
) -> dict[str, Any]:
    details: dict[str, Any] = {}

    if kappa:
        details["cohen_kappa"] = cohen_kappa(student_labels, teacher_labels)
    if per_class:
        agreement = student_labels == teacher_labels
        details["per_class"] = class_figures(teacher_labels, label_loyalty=agreement, **figures)
    return details
