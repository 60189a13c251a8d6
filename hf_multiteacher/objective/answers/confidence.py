"""How sure models are of their answers, and how often they are right, for each part of the confidences."""

import numpy as np

from ...report.compared_answers import BINS
from .record import LABEL, PER_MODEL, RIGHT, SURE


class Confidence:
    """Adds up, for each model and each part of the confidences, how many answers it gave so, how sure, how many right.

    Attributes:
        sums: [models, `BINS`, 3].
    """

    def __init__(self) -> None:
        self.sums = np.zeros((0, BINS, 3))

    def add(self, said: np.ndarray) -> None:
        """Add what is said; [..., columns]."""
        sure, right = said[..., SURE:LABEL:PER_MODEL], said[..., RIGHT:LABEL:PER_MODEL]
        if not len(self.sums):
            self.sums = np.zeros((sure.shape[-1], BINS, 3))

        for model, sums in enumerate(self.sums):
            there = (sure[..., model] >= 0) & (right[..., model] >= 0)
            how_sure = sure[..., model][there]
            part = np.minimum((how_sure * BINS).astype(np.int64), BINS - 1)
            figures = np.stack([np.ones_like(how_sure), how_sure, right[..., model][there]], axis=1)
            np.add.at(sums, part, figures)

    def of(self, models: list[str]) -> dict[str, list[list[float]]]:
        """Return the sums by the models' names."""
        return dict(zip(models, self.sums.tolist(), strict=False))
