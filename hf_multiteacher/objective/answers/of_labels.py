"""Answers that are labels: one for each word or example, or yes or no for each label of an example."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor

from ...losses import functional
from ...losses.functional import IGNORED_LABEL
from ...report.compared_answers import STUDENT, ComparedAnswers, Disagreement
from ..aligned_teachers import SoftTargets
from ..objective import DistillationObjective
from ..rows import Rows
from . import text
from .confidence import Confidence
from .record import (
    ANSWER,
    DISTANCE,
    LABEL,
    MOST_QUESTIONS,
    NOTHING,
    PER_MODEL,
    AnswerRecord,
    Said,
    answer_of,
    at_rows,
    disputed,
    equal,
)

YES_OR_NO = ("yes", "no")
"""As `bernoulli_logits` has them."""


class LabelAnswers(AnswerRecord):
    """Adds up answers that are one label of several, or yes or no for each of them.

    Args:
        objective: The run's objective.
        accelerator: Brings what is said of a batch together from all ranks.
        tokenizer: The student's; None leaves the examples out.
        labels: The names of the labels.
    """

    def __init__(
        self, objective: DistillationObjective, accelerator: Accelerator, tokenizer: Any, labels: list[str]
    ) -> None:
        super().__init__(objective, accelerator, tokenizer)
        self.labels = labels
        self.of_each_label = objective.problem == "multi_label_classification"
        self.questions = labels if self.of_each_label else [""]
        self.classes = YES_OR_NO if self.of_each_label else labels
        self.confidence = Confidence()
        self.confusion = np.zeros((0, len(self.questions), len(self.classes), len(self.classes)), np.int64)

    def said(self, rows: Rows, at: Tensor, targets: SoftTargets) -> tuple[list[Said], Tensor, Tensor]:
        """See `AnswerRecord.said`; the classes of a question are the labels, or yes and no."""
        labels = self._labels(rows, at)
        asked = torch.ones_like(labels, dtype=torch.bool)
        mine, sure = answer_of(self._choices(targets.student, at), asked)
        models = [Said(STUDENT, mine, sure, equal(mine, labels), equal(mine, mine))]

        for name, logits, available in self.objective.answers(targets):
            answer, sure = answer_of(self._choices(logits, at), asked & at_rows(available, at)[:, None])
            models.append(Said(name, answer, sure, equal(answer, labels), equal(answer, mine)))

        pairs = zip(
            (self._choices(each, at) for each in targets.student_logits),
            (self._choices(each, at) for each in targets.teacher_logits),
            (at_rows(each, at) for each in targets.available),
            strict=True,
        )
        return models, labels, _distances(pairs, models)

    def _choices(self, logits: Tensor, at: Tensor) -> Tensor:
        """Return the logits of each question's classes, [asked rows, questions, classes]."""
        chosen = at_rows(logits, at)
        return functional.bernoulli_logits(chosen) if self.of_each_label else chosen[:, None]

    def _labels(self, rows: Rows, at: Tensor) -> Tensor:
        """Return the right class of each question, [asked rows, questions]; below 0 where nobody knows."""
        if rows.labels is None:
            return torch.full((len(at), len(self.questions)), NOTHING, device=at.device)

        labels = at_rows(rows.labels, at)
        if not self.of_each_label:
            return labels[:, None].clamp(min=NOTHING)
        return (labels <= 0.5).long().masked_fill(labels == IGNORED_LABEL, NOTHING)

    def count(self, said: np.ndarray) -> None:
        """Count how sure and how right each model is, and how often each answer of a teacher meets the student's."""
        self.confidence.add(said)

        answers = said[..., ANSWER:LABEL:PER_MODEL].reshape(-1, len(self.questions), len(self.models)).astype(np.int64)
        if not len(self.confusion):
            self.confusion = np.zeros((len(self.models) - 1, *self.confusion.shape[1:]), np.int64)
        for number, matrices in enumerate(self.confusion, start=1):
            row, question = np.nonzero((answers[..., 0] >= 0) & (answers[..., number] >= 0))
            both = answers[row, question]
            np.add.at(matrices, (question, both[:, 0], both[:, number]), 1)

    def result(self) -> ComparedAnswers:
        """Return what was added up."""
        found = dict(zip(self.models[1:], self.confusion, strict=True))
        answers = ComparedAnswers(
            self.labels, self._about(), self.confidence.of(self.models), disagreements=self.disagreements()
        )
        if self.of_each_label:
            answers.by_label = {name: matrices.reshape(-1, 4).tolist() for name, matrices in found.items()}
        else:
            answers.confusion = {name: _pairs(matrices[0]) for name, matrices in found.items()}
        return answers

    def _about(self) -> str:
        if self.of_each_label:
            return "labels of examples"
        return "words" if self.objective.token_level else "examples"

    def worded(self, said: np.ndarray, tokens: np.ndarray) -> Disagreement:
        """Put what is said of an example into words: of the words, the labels or the whole that are disputed."""
        places = np.flatnonzero(disputed(said)).tolist()
        if self.of_each_label:
            places = sorted(places, key=lambda place: -said[place, DISTANCE])[:MOST_QUESTIONS]

        by_word = self.objective.token_level
        parts = text.words(tokens, said, places, self.tokenizer) if by_word else text.segments(tokens, self.tokenizer)
        return Disagreement(
            round(float(max(said[place, DISTANCE] for place in places)), 4),
            parts,
            [self._worded(said[place], self.questions[place] if self.of_each_label else "") for place in places],
        )

    def _worded(self, question: np.ndarray, about: str) -> dict[str, Any]:
        label = self.classes[int(question[LABEL])] if question[LABEL] >= 0 else None
        return self.told(question, [self.classes] * len(self.models), label=label, about=about)


def _distances(pairs: Iterable[tuple[Tensor, Tensor, Tensor]], models: Sequence[Said]) -> Tensor:
    """Return one minus the probability agreement, the mean over the teachers that have a question; 0 where none has.

    Args:
        pairs: For each teacher the student's logits [rows, questions, classes], its own, and which rows it has.
        models: The answers: where they are the same, nobody asks for the distance.
    """
    apart = torch.stack([each.same == 0 for each in models]).any(dim=0)
    total, count = (torch.zeros_like(apart, dtype=torch.float).flatten() for _ in range(2))
    for student, teacher, available in pairs:
        at = (apart & available[:, None]).flatten().nonzero().squeeze(1)
        if len(at):
            pair = (each.flatten(0, 1).index_select(0, at) for each in (student, teacher))
            near = functional.label_and_probability_agreement(*pair)[1].float()
            total.index_add_(0, at, 1 - near.nan_to_num(1.0))
            count.index_add_(0, at, torch.ones_like(near))

    return (total / count.clamp(min=1)).view_as(apart)


def _pairs(matrix: np.ndarray) -> list[list[int]]:
    """List the pairs of answers that occur, the most frequent first."""
    pairs = [
        [int(row), int(column), int(matrix[row, column])] for row, column in zip(*np.nonzero(matrix), strict=True)
    ]
    return sorted(pairs, key=lambda each: -each[2])
