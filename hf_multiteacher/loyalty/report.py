"""Loyalty with what readers ask for beside it: confidence intervals, figures per class, agreement beyond chance."""

from collections.abc import Callable
from typing import Any

import numpy as np

from .probability import (
    correlation,
    label_agreement,
    labelled_rows,
    mean_over_rows,
    moments,
    predicted_labels,
    probability_agreement,
    regression_loyalty,
    same_labels,
)

RESAMPLED_ENTRIES = 1 << 20
SAMPLES, SEED = 1000, 0


def cohen_kappa(student_labels: Any, teacher_labels: Any) -> float:
    """Agreement of the labels beyond chance: 1 in full, 0 as by chance, NaN where both only ever chose one class."""
    from sklearn.metrics import cohen_kappa_score

    student, teacher = np.ravel(student_labels), np.ravel(teacher_labels)
    if (student == student[0]).all() and (teacher == student[0]).all():
        return float("nan")
    return float(cohen_kappa_score(student, teacher))


def class_figures(teacher_labels: np.ndarray, **figures: np.ndarray) -> dict[int, dict[str, float]]:
    """Average per-row figures within each class that the teacher chose, beside the number of its rows."""
    classes, index, counts = np.unique(teacher_labels, return_inverse=True, return_counts=True)
    means = {name: np.bincount(index, weights=rows) / counts for name, rows in figures.items()}
    return {
        int(label): {"rows": int(counts[i]), **{name: float(mean[i]) for name, mean in means.items()}}
        for i, label in enumerate(classes)
    }


def bootstrap_interval(
    rows: np.ndarray,
    confidence_level: float,
    bootstrap_samples: int = SAMPLES,
    seed: int = SEED,
    statistic: Callable[[np.ndarray], np.ndarray] = lambda means: means,
) -> list[float]:
    """Percentile bootstrap interval of a mean over rows, or of a function of several means.

    Args:
        rows: per-row values `[rows]` or `[rows, values]`. About 10 ns per value and sample; for booleans the samples
            are binomial draws, whose time does not depend on the rows.
        confidence_level: share of the resampled figures inside the interval, such as 0.95.
        bootstrap_samples: how often as many rows are drawn with replacement.
        seed: of the draws; equal seeds give equal intervals.
        statistic: from the resampled means `[samples, values]` to figures `[samples]`; NaN ones are left out.

    Returns:
        The lower and the upper end.
    """
    _check_bootstrap(confidence_level, bootstrap_samples, seed)
    generator = np.random.default_rng(seed)
    if rows.dtype == bool:
        means = generator.binomial(len(rows), rows.mean(), bootstrap_samples) / len(rows)
    else:
        step = max(1, RESAMPLED_ENTRIES // rows.size)
        sizes = [min(step, bootstrap_samples - start) for start in range(0, bootstrap_samples, step)]
        means = np.concatenate([rows[generator.integers(len(rows), size=(n, len(rows)))].mean(axis=1) for n in sizes])
    tail = (1 - confidence_level) / 2
    return np.nanquantile(statistic(means), [tail, 1 - tail]).tolist()


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
    bootstrap = _bootstrap(confidence_level, bootstrap_samples, seed)
    report = _with_interval("label_loyalty", label_agreement(student_labels, teacher_labels, mask=mask), bootstrap)
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
    bootstrap = _bootstrap(confidence_level, bootstrap_samples, seed)
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
    bootstrap = _bootstrap(confidence_level, bootstrap_samples, seed)
    closeness = probability_agreement(student, teacher, from_logits=from_logits, base=base, mask=mask)
    student_labels, teacher_labels = predicted_labels(student, mask=mask), predicted_labels(teacher, mask=mask)
    report = _with_interval("label_loyalty", student_labels == teacher_labels, bootstrap)
    report |= _with_interval("probability_loyalty", closeness, bootstrap)
    return report | _label_details(student_labels, teacher_labels, per_class, kappa, probability_loyalty=closeness)


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
    bootstrap = _bootstrap(confidence_level, bootstrap_samples, seed)
    report: dict[str, Any] = {"regression_loyalty": regression_loyalty(student, teacher, mask=mask)}
    if bootstrap:
        rows = np.concatenate(list(moments(student, teacher, mask)))
        report["regression_loyalty_interval"] = bootstrap_interval(rows, **bootstrap, statistic=correlation)
    return report


def _check_bootstrap(confidence_level: Any, bootstrap_samples: Any, seed: Any) -> None:
    wholes = all(isinstance(value, int | np.integer) for value in (bootstrap_samples, seed))
    share = isinstance(confidence_level, float | np.floating) and 0 < confidence_level < 1
    if not (share and wholes and bootstrap_samples > 0 and seed >= 0):
        raise ValueError(
            "A bootstrap interval expects a confidence level between 0 and 1, at least one sample and a seed from 0 "
            f"on, but got confidence_level={confidence_level!r}, bootstrap_samples={bootstrap_samples!r} and "
            f"seed={seed!r}."
        )


def _bootstrap(confidence_level: float | None, bootstrap_samples: int, seed: int) -> dict[str, Any]:
    """Arguments of `bootstrap_interval`, checked; none where no interval is asked for."""
    if confidence_level is not None:
        _check_bootstrap(confidence_level, bootstrap_samples, seed)
        return {"confidence_level": confidence_level, "bootstrap_samples": bootstrap_samples, "seed": seed}
    if (bootstrap_samples, seed) != (SAMPLES, SEED):
        raise ValueError(
            f"bootstrap_samples={bootstrap_samples!r} and seed={seed!r} belong to a bootstrap interval, but "
            "confidence_level=None asks for none. Give one, such as 0.95, or leave the two out."
        )
    return {}


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
