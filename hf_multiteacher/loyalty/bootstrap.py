"""Confidence intervals: how much a figure would change with other rows of the same kind."""

from collections.abc import Callable
from typing import Any

import numpy as np

RESAMPLED_ENTRIES = 1 << 20
SAMPLES = 1000
SEED = 0


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
    _check(confidence_level, bootstrap_samples, seed)

    means = _resampled_means(rows, bootstrap_samples, np.random.default_rng(seed))
    tail = (1 - confidence_level) / 2
    return np.nanquantile(statistic(means), [tail, 1 - tail]).tolist()


def interval_options(confidence_level: float | None, bootstrap_samples: int, seed: int) -> dict[str, Any]:
    """Collect the arguments of `bootstrap_interval`, checked; none where no interval is asked for.

    Raises:
        ValueError: they are impossible, or there are some although no interval is asked for.
    """
    if confidence_level is not None:
        _check(confidence_level, bootstrap_samples, seed)
        return {"confidence_level": confidence_level, "bootstrap_samples": bootstrap_samples, "seed": seed}

    if (bootstrap_samples, seed) != (SAMPLES, SEED):
        raise ValueError(
            f"bootstrap_samples={bootstrap_samples!r} and seed={seed!r} belong to a bootstrap interval, but "
            "confidence_level=None asks for none. Give one, such as 0.95, or leave the two out."
        )
    return {}


def _check(confidence_level: Any, bootstrap_samples: Any, seed: Any) -> None:
    wholes = all(isinstance(value, int | np.integer) for value in (bootstrap_samples, seed))
    share = isinstance(confidence_level, float | np.floating) and 0 < confidence_level < 1
    if not (share and wholes and bootstrap_samples > 0 and seed >= 0):
        raise ValueError(
            "A bootstrap interval expects a confidence level between 0 and 1, at least one sample and a seed from 0 "
            f"on, but got confidence_level={confidence_level!r}, bootstrap_samples={bootstrap_samples!r} and "
            f"seed={seed!r}."
        )


def _resampled_means(rows: np.ndarray, samples: int, generator: np.random.Generator) -> np.ndarray:
    """Mean of as many rows, drawn with replacement, for each sample; `[samples]` or `[samples, values]`."""
    if rows.dtype == bool:
        return generator.binomial(len(rows), rows.mean(), samples) / len(rows)

    step = max(1, RESAMPLED_ENTRIES // rows.size)
    means = []
    for start in range(0, samples, step):
        drawn = generator.integers(len(rows), size=(min(step, samples - start), len(rows)))
        means.append(rows[drawn].mean(axis=1))
    return np.concatenate(means)
