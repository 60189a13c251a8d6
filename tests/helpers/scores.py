"""Outputs of a student and a teacher that do not agree."""

import numpy as np

STUDENT = [[0.7, 0.2, 0.1], [0.1, 0.3, 0.6]]
TEACHER = [[0.5, 0.3, 0.2], [0.1, 0.5, 0.4]]


def logits(rows: int, classes: int, seed: int) -> np.ndarray:
    """Random scores, `[rows, classes]`."""
    return np.random.default_rng(seed).normal(0, 3, (rows, classes))


def close_distributions() -> tuple[np.ndarray, np.ndarray]:
    """A student's and a teacher's probabilities of four classes on 300 rows, half of each the same."""
    generator = np.random.default_rng(0)
    student = generator.dirichlet(np.ones(4), 300)
    return student, 0.5 * student + 0.5 * generator.dirichlet(np.ones(4), 300)
