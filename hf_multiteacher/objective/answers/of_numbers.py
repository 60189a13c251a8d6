"""Answers of regressions: numbers."""

from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor

from ...report.compared_answers import STUDENT, ComparedAnswers, Disagreement, Numbers
from ..aligned_teachers import SoftTargets
from ..objective import DistillationObjective
from ..rows import Rows
from . import text
from .record import (
    ANSWER,
    DISTANCE,
    LABEL,
    MOST_QUESTIONS,
    NOTHING,
    PER_MODEL,
    SURE,
    AnswerRecord,
    Said,
    at_rows,
    disputed,
)

MOST_NUMBERS = 400
"""Of so many answers, or half of them, everywhere in the data, a picture shows points."""
DIGITS = 5


class NumberAnswers(AnswerRecord):
    """Keeps a sample of the numbers that the models answer, and the examples on which they differ most.

    Args:
        objective: The run's objective.
        accelerator: Brings what is said of a batch together from all ranks.
        tokenizer: The student's; None leaves the examples out.
        outputs: What the outputs of the models are called, where there are several.
    """

    with_probability = False

    def __init__(
        self, objective: DistillationObjective, accelerator: Accelerator, tokenizer: Any, outputs: list[str]
    ) -> None:
        super().__init__(objective, accelerator, tokenizer)
        self.outputs = outputs
        self.sample: list[np.ndarray] = []
        self.stride = 1
        self.answers = 0

    def said(self, rows: Rows, at: Tensor, targets: SoftTargets) -> tuple[list[Said], Tensor, Tensor]:
        """See `AnswerRecord.said`; a distance is the mean difference between the student and a teacher."""
        mine = at_rows(targets.student, at).flatten(1)
        nothing = torch.full_like(mine, NOTHING)
        has_mine = mine.isfinite()
        models = [Said(STUDENT, mine, has_mine.float().masked_fill(~has_mine, NOTHING), nothing, nothing)]

        total, count = torch.zeros_like(mine), torch.zeros_like(mine)
        for name, logits, available in self.objective.answers(targets):
            answer = at_rows(logits, at).flatten(1)
            has = answer.isfinite() & at_rows(available, at)[:, None]
            sure = has.float().masked_fill(~has, NOTHING)
            models.append(Said(name, answer, sure, nothing, torch.where(has & has_mine, 0.0, NOTHING)))
            if name in self.objective.teachers.names:
                total += (answer - mine).abs().masked_fill(~(has & has_mine), 0.0)
                count += has & has_mine

        labels = torch.full_like(mine, torch.nan) if rows.labels is None else at_rows(rows.labels, at).view_as(mine)
        return models, labels, total / count.clamp(min=1)

    def count(self, said: np.ndarray) -> None:
        """Keep every answer or, of many, one in so many."""
        answers, sure = said[..., ANSWER:LABEL:PER_MODEL], said[..., SURE:LABEL:PER_MODEL]
        numbers = np.concatenate([said[..., [LABEL]], np.where(sure >= 0, answers, np.nan)], axis=-1)

        for row in numbers.reshape(-1, numbers.shape[-1]):
            if self.answers % self.stride == 0:
                self.sample.append(row)
            self.answers += 1
            if len(self.sample) > MOST_NUMBERS:
                self.sample, self.stride = self.sample[::2], 2 * self.stride

    def result(self) -> ComparedAnswers:
        """Return what was kept."""
        columns = np.array(self.sample).reshape(-1, 1 + len(self.models)).T
        labels, *said = [[_number(value) for value in column] for column in columns.tolist()]
        numbers = Numbers(self.answers, labels, dict(zip(self.models, said, strict=True)))
        return ComparedAnswers(self.outputs, "examples", disagreements=self.disagreements(), numbers=numbers)

    def worded(self, said: np.ndarray, tokens: np.ndarray) -> Disagreement:
        """Put what is said of an example into words, of each of its numbers."""
        several = len(said) > 1
        places = np.flatnonzero(disputed(said)).tolist()
        farthest = sorted(places, key=lambda place: -said[place, DISTANCE])[:MOST_QUESTIONS]
        rows = [
            self.told(
                said[place],
                [_written] * len(self.models),
                label=None if np.isnan(said[place, LABEL]) else _written(said[place, LABEL]),
                about=self.outputs[place] if several else "",
            )
            for place in farthest
        ]
        return Disagreement(round(float(said[farthest[0], DISTANCE]), 4), text.segments(tokens, self.tokenizer), rows)


def _number(value: float) -> float | None:
    return float(f"{value:.{DIGITS}g}") if np.isfinite(value) else None


def _written(value: float) -> str:
    return f"{value:.4g}"
