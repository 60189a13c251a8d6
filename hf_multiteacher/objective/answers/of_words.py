"""Answers of masked language models: which word stood at a masked place."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...losses.functional.numerics import full_precision
from ...report.compared_answers import STUDENT, ComparedAnswers, Disagreement
from ..aligned_teachers import SoftTargets
from ..outcomes import Outcomes
from ..rows import Rows
from . import text
from .confidence import Confidence
from .record import DISTANCE, LABEL, NOTHING, AnswerRecord, Said, answer_of, at_rows, disputed, equal

FIRST_SHARED = 1
"""The outcome before it is all that two vocabularies do not share."""


class WordAnswers(AnswerRecord):
    """Adds up answers that are entries of a vocabulary; of each text the masked place that is farthest apart is kept.

    A teacher with another vocabulary answers with the most probable of the words that it shares with the student, and
    is right or wrong where the word is one of them.
    """

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.confidence = Confidence()
        self.shared: list[Outcomes | None] = []

    def said(self, rows: Rows, at: Tensor, targets: SoftTargets) -> tuple[list[Said], Tensor, Tensor]:
        """See `AnswerRecord.said`; `at` are the masked places."""
        labels = torch.zeros_like(at) if rows.labels is None else at_rows(rows.labels, at)
        mine, sure = answer_of(at_rows(targets.student, at), torch.ones_like(labels, dtype=torch.bool))

        outcomes = self._outcomes(targets)
        others = [
            _compared(name, labels, shared, *(at_rows(each, at) for each in of)) for name, shared, *of in outcomes
        ]
        self.shared = self.shared or [None, *(shared for _, shared, *_ in outcomes)]

        models = [_said(STUDENT, mine, sure, labels, mine), *(said for said, _ in others)]
        return models, labels[:, None], self._mean(others[: len(self.objective.teachers.names)])

    @staticmethod
    def _mean(teachers: list[tuple[Said, Tensor]]) -> Tensor:
        """Return the mean distance [places, 1] of the student to the teachers that have a place."""
        apart = torch.stack([distance for _, distance in teachers]).sum(dim=0)
        count = torch.stack([said.sure >= 0 for said, _ in teachers]).sum(dim=0)
        return apart[:, None] / count.clamp(min=1)

    def _outcomes(self, targets: SoftTargets) -> list[tuple[str, Outcomes | None, Tensor, Tensor, Tensor]]:
        """List the others: name, what they share with the student, its logits and theirs of that, their rows."""
        teachers = self.objective.teachers
        each = [
            *zip(
                teachers.names,
                teachers.outcomes,
                targets.student_logits,
                targets.teacher_logits,
                targets.available,
                strict=True,
            )
        ]
        together = [row for row in self.objective.answers(targets) if row[0] not in teachers.names]
        return [*each, *((name, None, targets.student_logits[0], logits, has) for name, logits, has in together)]

    def _naming(self, shared: Outcomes | None) -> Callable[[float], str]:
        """Call an outcome by the first of the student's entries that it holds."""
        if shared is None:
            return self._named
        outcomes, first = np.unique(shared.student.cpu().numpy(), return_index=True)
        entry = dict(zip(outcomes.tolist(), first.tolist(), strict=True))
        return lambda answer: self._named(entry[int(answer)])

    def _named(self, answer: float) -> str:
        return text.named(int(answer), self.tokenizer)

    def count(self, said: np.ndarray) -> None:
        """Count how sure and how right each model is."""
        self.confidence.add(said)

    def result(self) -> ComparedAnswers:
        """Return what was added up; a vocabulary has too many pairs of answers for a table."""
        return ComparedAnswers([], "masked words", self.confidence.of(self.models), disagreements=self.disagreements())

    def worded(self, said: np.ndarray, tokens: np.ndarray) -> Disagreement:
        """Put into words what is said of the masked place that is farthest apart."""
        place = int(np.where(disputed(said), said[:, DISTANCE], -1.0).argmax())
        word = self._named(said[place, LABEL])
        return Disagreement(
            round(float(said[place, DISTANCE]), 4),
            text.around(tokens, place, word, self.tokenizer),
            [self.told(said[place], [self._naming(shared) for shared in self.shared], label=word)],
        )


def _compared(
    name: str, labels: Tensor, shared: Outcomes | None, student: Tensor, teacher: Tensor, has: Tensor
) -> tuple[Said, Tensor]:
    """Return the answers [places] of a teacher, and how far the student is from them; 0 where it has no answer."""
    first = 0 if shared is None else FIRST_SHARED
    (own, own_sure), (answer, sure) = (answer_of(logits, has, first) for logits in (student, teacher))
    right = labels if shared is None else _among(shared, labels)

    apart = torch.maximum(
        (own_sure - _probability(teacher, own, answer, sure)).abs(),
        (sure - _probability(student, answer, own, own_sure)).abs(),
    )
    return _said(name, answer, sure, right, own), apart.masked_fill((answer < 0) | (own < 0), 0.0).float()


def _probability(logits: Tensor, asked: Tensor, answer: Tensor, sure: Tensor) -> Tensor:
    """Return how probable [places] something is, from how probable the answer is.

    That goes without the whole vocabulary. A distance of the distributions would take as long as the loyalty does.
    """
    of_asked, of_answer = (logits.gather(1, each.clamp(min=0)[:, None])[:, 0] for each in (asked, answer))
    return sure * full_precision(of_asked - of_answer).exp()


def _said(name: str, answer: Tensor, sure: Tensor, labels: Tensor, mine: Tensor) -> Said:
    """Compare the answers [rows] of a model with the labels and with those of the student, one question for each."""
    columns = answer, sure, equal(answer, labels), equal(answer, mine)
    return Said(name, *(column[:, None] for column in columns))


def _among(shared: Outcomes, labels: Tensor) -> Tensor:
    """Return the outcomes of the words, below 0 where a word is none that the two share."""
    outcomes = shared.of_labels(labels)
    return outcomes.masked_fill(outcomes < FIRST_SHARED, NOTHING)
