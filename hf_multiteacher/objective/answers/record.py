"""What student and teachers answer in an evaluation, added up for a report: rows of all ranks, each once."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heappush, heappushpop
from typing import Any, ClassVar

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor

from ...losses.functional.numerics import full_precision
from ...report.compared_answers import ComparedAnswers, Disagreement
from ..aligned_teachers import SoftTargets
from ..objective import DistillationObjective
from ..rows import Inputs, Rows, real_tokens

KEPT = 20
"""So many examples of disagreement."""
MOST_QUESTIONS = 10
"""So many of the questions of an example are told of, where a row has several."""
NOTHING = -1
"""Stands where a model has no answer, or a row no label."""
ANSWER, SURE, RIGHT, SAME = range(4)
"""The columns of a model: what it answers, how probable it holds that, whether it is right, and whether the student
answers the same."""
PER_MODEL = 4
LABEL, DISTANCE = -2, -1
"""The columns behind those of the models."""


@dataclass(frozen=True)
class Said:
    """What one model answers to all questions, each [rows, questions].

    A question is the row itself or, where a row has several labels or numbers, one of them.

    Attributes:
        name: The model.
        answer: Its answers, as numbers.
        sure: How probable it holds them; `NOTHING` where it has none.
        right: Whether they are the labels; `NOTHING` where there is no label to compare with.
        same: Whether the student answers the same; `NOTHING` where one of them has no answer.
    """

    name: str
    answer: Tensor
    sure: Tensor
    right: Tensor
    same: Tensor


class AnswerRecord(ABC):
    """Adds up the answers to an evaluation set, and keeps the examples on which student and teachers differ most.

    Args:
        objective: The run's objective.
        accelerator: Brings what is said of a batch together from all ranks.
        tokenizer: The student's; None leaves the examples out.

    Attributes:
        models: Who answers, the student first; empty until somebody has.
    """

    with_probability: ClassVar[bool] = True
    """Whether an answer has one."""

    def __init__(self, objective: DistillationObjective, accelerator: Accelerator, tokenizer: Any) -> None:
        self.objective = objective
        self.accelerator = accelerator
        self.tokenizer = tokenizer
        self.models: list[str] = []
        self.farthest: list[tuple[float, int, np.ndarray, np.ndarray]] = []
        self.examples = 0

    @abstractmethod
    def said(self, rows: Rows, at: Tensor, targets: SoftTargets) -> tuple[list[Said], Tensor, Tensor]:
        """Return what every model answers, the labels and how far student and teachers are apart.

        Args:
            rows: Those of a batch.
            at: Which of them are asked, int64.
            targets: Student and teachers side by side.

        Returns:
            The student's answers and the others', and two [asked rows, questions]; a distance counts where one of
            the others answers differently.
        """

    @abstractmethod
    def count(self, said: np.ndarray) -> None:
        """Add up what is said; [examples, places x questions, columns]."""

    @abstractmethod
    def result(self) -> ComparedAnswers:
        """Return what was added up."""

    @abstractmethod
    def worded(self, said: np.ndarray, tokens: np.ndarray) -> Disagreement:
        """Put what is said of an example into words.

        Args:
            said: [places x questions, columns].
            tokens: The student's, [length], below 0 for padding.
        """

    def add(self, inputs: Inputs, rows: Rows, targets: SoftTargets) -> None:
        """Add one batch; every rank must come here with each of its batches."""
        at = rows.hard if self.objective.token_level else torch.arange(len(rows.index), device=rows.index.device)
        models, labels, distance = self.said(rows, at, targets)
        self.models = [each.name for each in models]

        columns = [column for each in models for column in (each.answer, each.sure, each.right, each.same)]
        told = torch.stack([column.float() for column in (*columns, labels, distance)], dim=-1)
        said = self._gathered(_on_places(rows, at, told.flatten(1)))
        said = said.reshape(len(said), said.shape[1] * told.shape[1], told.shape[2])
        self.count(said.astype(np.float64))

        if self.tokenizer is not None:
            tokens = inputs["input_ids"].masked_fill(~real_tokens(inputs), NOTHING)
            self._keep(said, self._gathered(tokens))

    def _gathered(self, values: Tensor) -> np.ndarray:
        """Bring what all ranks have of a batch together, [examples, length, ...]."""
        padded = self.accelerator.pad_across_processes(values, 1, NOTHING)
        return self.accelerator.gather_for_metrics(padded).cpu().numpy()

    def _keep(self, said: np.ndarray, tokens: np.ndarray) -> None:
        """Keep the examples on which student and teachers are farthest apart, among those with different answers."""
        distances = np.where(disputed(said), said[..., DISTANCE], NOTHING).max(axis=1, initial=NOTHING)

        for example, distance in enumerate(distances.tolist()):
            self.examples += 1
            if distance < 0:
                continue
            entry = (distance, -self.examples, said[example], tokens[example])
            if len(self.farthest) < KEPT:
                heappush(self.farthest, entry)
            else:
                heappushpop(self.farthest, entry)

    def disagreements(self) -> list[Disagreement]:
        """Return the examples that are kept, the farthest first."""
        farthest = sorted(self.farthest, key=lambda each: each[:2], reverse=True)
        return [self.worded(said, tokens) for _, _, said, tokens in farthest]

    def told(
        self, question: np.ndarray, names: Sequence[Any], *, label: str | None, about: str = ""
    ) -> dict[str, Any]:
        """Say what every model answers to one question.

        Args:
            question: Its columns.
            names: For each model what its answers are called, by their numbers, or a function that says it.
            label: What would be right; None where nobody knows.
            about: What the question is about, where a row has several.
        """
        answers = {}
        for model, (name, named) in enumerate(zip(self.models, names, strict=True)):
            answer, sure, right, _ = question[PER_MODEL * model :][:PER_MODEL]
            if sure >= 0:
                words = named(answer) if callable(named) else named[int(answer)]
                probability = round(float(sure), 4) if self.with_probability else None
                answers[name] = [words, probability, bool(right) if right >= 0 else None]
        return {"about": about, "label": label, "answers": answers}


def disputed(said: np.ndarray) -> np.ndarray:
    """Return on which questions another model answers other than the student; bool, without the columns."""
    return (said[..., PER_MODEL + SAME : LABEL : PER_MODEL] == 0).any(axis=-1)


def at_rows(values: Tensor, at: Tensor) -> Tensor:
    """Return some of the rows; all of them without a copy, which logits over a vocabulary are too large for."""
    return values if len(at) == len(values) else values.index_select(0, at)


def answer_of(logits: Tensor, has: Tensor, first: int = 0) -> tuple[Tensor, Tensor]:
    """Return which class [...] is the most probable, and how probable; `NOTHING` where there is no answer.

    Args:
        logits: [..., classes].
        has: Where the model was asked and has an answer, bool [...].
        first: The classes before it are no answers.
    """
    exact = full_precision(logits)
    best, answer = exact[..., first:].max(dim=-1)
    sure = (best - exact.logsumexp(dim=-1)).exp()

    has = has & sure.isfinite()
    return (answer + first).masked_fill(~has, NOTHING), sure.masked_fill(~has, NOTHING)


def equal(first: Tensor, second: Tensor) -> Tensor:
    """Return where two answers, or an answer and a label, are the same; `NOTHING` where one is missing."""
    return (first == second).long().masked_fill((first < 0) | (second < 0), NOTHING)


def _on_places(rows: Rows, at: Tensor, said: Tensor) -> Tensor:
    """Put what is said of rows [asked rows, n] to their tokens or examples: [batch, length or 1, n]."""
    places = said.new_full((rows.mask.numel(), said.shape[1]), NOTHING).index_copy(0, rows.index[at], said)
    return places.view(len(rows.mask), -1, said.shape[1])
