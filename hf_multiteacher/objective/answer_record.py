"""What student and teachers answer in an evaluation, added up for a report: rows of all ranks, each once."""

from heapq import heappush, heappushpop
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor

from ..losses import functional
from ..report.compared_answers import BINS, STUDENT, ComparedAnswers
from .aligned_teachers import SoftTargets
from .disputed_text import disagreement
from .objective import DistillationObjective
from .rows import Inputs, Rows, real_tokens

KEPT = 20
"""So many examples of disagreement."""
NOTHING = -1
"""Stands where a model has no answer, or a row no label."""


class AnswerRecord:
    """Adds up the answers to an evaluation set, of a task with one label per row, and keeps the disputed examples.

    Args:
        objective: The run's objective.
        accelerator: Brings what is said of a batch together from all ranks.
        labels: The names of the labels.
        tokenizer: The student's; None leaves the examples out.
    """

    def __init__(
        self, objective: DistillationObjective, accelerator: Accelerator, labels: list[str], tokenizer: Any
    ) -> None:
        self.objective = objective
        self.accelerator = accelerator
        self.labels = labels
        self.tokenizer = tokenizer
        self.models: list[str] = []
        self.confidence = np.zeros((0, BINS, 3))
        self.confusion = np.zeros((0, len(labels), len(labels)), np.int64)
        self.farthest: list[tuple[float, int, np.ndarray, np.ndarray]] = []
        self.examples = 0

    def add(self, inputs: Inputs, rows: Rows, targets: SoftTargets) -> None:
        """Add one batch; every rank must come here with each of its batches."""
        said = self._gathered(self._on_places(rows, self._said(rows, targets)))
        self._count(said.astype(np.float64))

        if self.tokenizer is not None:
            tokens = inputs["input_ids"].masked_fill(~real_tokens(inputs), NOTHING)
            self._keep(said, self._gathered(tokens))

    def _gathered(self, values: Tensor) -> np.ndarray:
        """Bring what all ranks have of a batch together, [examples, length, ...]."""
        padded = self.accelerator.pad_across_processes(values, 1, NOTHING)
        return self.accelerator.gather_for_metrics(padded).cpu().numpy()

    def _said(self, rows: Rows, targets: SoftTargets) -> Tensor:
        """Return on every row the answer and the confidence of each model, the label, and how far they are apart."""
        student = targets.student_logits[0]
        counted = rows.labelled if self.objective.token_level else rows.mask
        asked = counted[rows.mask]
        others = [*self.objective.answers(targets)]
        self._meet([name for name, _, _ in others])

        columns = _answer(student, asked)
        for _, logits, available in others:
            columns += _answer(logits, available & asked)
        labels = torch.full_like(asked, NOTHING, dtype=torch.long) if rows.labels is None else rows.labels
        columns += [labels.clamp(min=NOTHING), _distance(targets)]
        return torch.stack([column.float() for column in columns], dim=1)

    def _meet(self, others: list[str]) -> None:
        if not self.models:
            self.models = [STUDENT, *others]
            self.confidence = np.zeros((len(self.models), BINS, 3))
            self.confusion = np.zeros((len(others), len(self.labels), len(self.labels)), np.int64)

    @staticmethod
    def _on_places(rows: Rows, said: Tensor) -> Tensor:
        """Put what is said of rows to their tokens or examples: [batch, length or 1, columns]."""
        places = said.new_full((rows.mask.numel(), said.shape[1]), NOTHING).index_copy(0, rows.index, said)
        return places.view(len(rows.mask), -1, said.shape[1])

    def _count(self, said: np.ndarray) -> None:
        """Count how sure and how right each model is, and how often each answer of a teacher meets one of the student.

        Args:
            said: As `_on_places` returns it.
        """
        flat = said.reshape(-1, said.shape[-1])
        answers, confidence = flat[:, :-2:2].astype(np.int64), flat[:, 1:-2:2]
        label = flat[:, -2].astype(np.int64)

        for number in range(len(self.models)):
            there = (answers[:, number] >= 0) & (label >= 0)
            sure = confidence[there, number]
            part = np.minimum((sure * BINS).astype(np.int64), BINS - 1)
            figures = np.stack([np.ones_like(sure), sure, answers[there, number] == label[there]], axis=1)
            np.add.at(self.confidence[number], part, figures)

        for number, matrix in enumerate(self.confusion, start=1):
            both = (answers[:, 0] >= 0) & (answers[:, number] >= 0)
            np.add.at(matrix, (answers[both, 0], answers[both, number]), 1)

    def _keep(self, said: np.ndarray, tokens: np.ndarray) -> None:
        """Keep the examples on which student and teachers are farthest apart, among those with different answers."""
        answers = said[:, :, :-2:2]
        disputed = (
            (answers[:, :, 1:] >= 0) & (answers[:, :, :1] >= 0) & (answers[:, :, 1:] != answers[:, :, :1])
        ).any(-1)
        distances = np.where(disputed, said[:, :, -1], NOTHING).max(axis=1, initial=NOTHING)

        for example, distance in enumerate(distances.tolist()):
            self.examples += 1
            if distance < 0:
                continue
            entry = (distance, -self.examples, said[example], tokens[example])
            if len(self.farthest) < KEPT:
                heappush(self.farthest, entry)
            else:
                heappushpop(self.farthest, entry)

    def result(self) -> ComparedAnswers:
        """Return what was added up."""
        names, token_level = self.models[1:], self.objective.token_level
        farthest = sorted(self.farthest, key=lambda each: each[:2], reverse=True)

        return ComparedAnswers(
            labels=self.labels,
            rows="words" if token_level else "examples",
            confidence=dict(zip(self.models, self.confidence.tolist(), strict=True)),
            confusion={name: _pairs(matrix) for name, matrix in zip(names, self.confusion, strict=True)},
            disagreements=[
                disagreement(said, tokens, self.models, self.labels, self.tokenizer, by_word=token_level)
                for _, _, said, tokens in farthest
            ],
        )


def _answer(logits: Tensor, asked: Tensor) -> list[Tensor]:
    """Return the answer on every row, and how probable it is; `NOTHING` where the model was not asked or has none."""
    sure, answer = torch.softmax(logits.float(), dim=-1).max(dim=-1)
    has = asked & sure.isfinite()
    return [answer.masked_fill(~has, NOTHING), sure.masked_fill(~has, NOTHING)]


def _distance(targets: SoftTargets) -> Tensor:
    """Return one minus the probability agreement, the mean over the teachers that have a row; 0 where none has."""
    total = torch.zeros(targets.available.shape[1], device=targets.available.device)
    if not len(total):
        return total

    for student, teacher, available in zip(
        targets.student_logits, targets.teacher_logits, targets.available, strict=True
    ):
        near = functional.label_and_probability_agreement(student, teacher)[1].float().nan_to_num(1.0)
        total += (1 - near).masked_fill(~available, 0.0)
    return total / targets.available.sum(dim=0).clamp(min=1)


def _pairs(matrix: np.ndarray) -> list[list[int]]:
    """List the pairs of answers that occur, the most frequent first."""
    pairs = [
        [int(row), int(column), int(matrix[row, column])] for row, column in zip(*np.nonzero(matrix), strict=True)
    ]
    return sorted(pairs, key=lambda each: -each[2])
