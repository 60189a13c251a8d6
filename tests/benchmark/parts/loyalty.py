"""Loyalty on many rows, against the line of numpy or scipy that one would write."""

from pathlib import Path

import numpy as np
from scipy.spatial.distance import jensenshannon
from scipy.stats import pearsonr

from hf_multiteacher.loyalty import label_loyalty, probability_loyalty, regression_loyalty

from ..settings import Settings
from .timing import Pair

CLASSES = 3


def loyalty(settings: Settings, folder: Path) -> dict[str, Pair]:
    """Compare the three measures, each with its definition on whole arrays."""
    generator, rows = np.random.default_rng(settings.seed), settings.loyalty_rows
    labels = generator.integers(CLASSES, size=(2, rows))
    scores = generator.random((2, rows, CLASSES), dtype=np.float32)
    scores /= scores.sum(axis=-1, keepdims=True)
    outputs = generator.random((2, rows), dtype=np.float32)

    def seconds(value: float) -> float:
        return value

    return {
        "label loyalty": Pair(
            lambda: label_loyalty(*labels), lambda: (labels[0] == labels[1]).mean(), "numpy", "s", seconds
        ),
        "probability loyalty": Pair(
            lambda: probability_loyalty(*scores),
            lambda: 1 - jensenshannon(*scores, axis=1, base=2).mean(),
            "scipy",
            "s",
            seconds,
        ),
        "regression loyalty": Pair(
            lambda: regression_loyalty(*outputs), lambda: pearsonr(*outputs), "scipy", "s", seconds
        ),
    }
