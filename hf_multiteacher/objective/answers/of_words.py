"""Answers of masked language models: which word stood at a masked place."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...report.compared_answers import STUDENT, ComparedAnswers, Disagreement
from ..aligned_teachers import SoftTargets
from ..outcomes import Outcomes
from ..rows import Rows
from . import text
from .confidence import Confidence
from .record import DISTANCE, LABEL, NOTHING, AnswerRecord, Said, answer_of, at_rows, disputed, distances, equal

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
        self.naming: list[Callable[[float], str]] = []

    def said(self, rows: Rows, at: Tensor, targets: SoftTargets) -> tuple[list[Said], Tensor, Tensor]:
        """See `AnswerRecord.said`; `at` are the masked places."""
        labels = torch.zeros_like(at) if rows.labels is None else at_rows(rows.labels, at)
        asked = torch.ones_like(labels, dtype=torch.bool)
        mine, sure = answer_of(at_rows(targets.student, at), asked)
        models = [_said(STUDENT, mine, sure, labels, mine)]
        pairs = []

        outcomes = self._outcomes(targets)
        for name, student, teacher, available, shared in outcomes:
            student, teacher, has = (at_rows(each, at) for each in (student, teacher, available))
            first = 0 if shared is None else FIRST_SHARED
            answer, sure = answer_of(teacher, has, first)
            right = labels if shared is None else _among(shared, labels)
            models.append(_said(name, answer, sure, right, student[:, first:].argmax(dim=-1) + first))
            pairs.append((student[:, None], teacher[:, None], has))

        self.naming = self.naming or [self._named, *(self._naming(shared) for *_, shared in outcomes)]
        return models, labels[:, None], distances(pairs, models)

    def _outcomes(self, targets: SoftTargets) -> list[tuple[str, Tensor, Tensor, Tensor, Outcomes | None]]:
        """List the others: name, the student's logits and theirs over what they share, which rows they have, that."""
        teachers = self.objective.teachers
        each = [
            *zip(
                teachers.names,
                targets.student_logits,
                targets.teacher_logits,
                targets.available,
                teachers.outcomes,
                strict=True,
            )
        ]
        together = [row for row in self.objective.answers(targets) if row[0] not in teachers.names]
        return [*each, *((name, targets.student_logits[0], logits, has, None) for name, logits, has in together)]

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
            [self.told(said[place], self.naming, label=word)],
        )


def _said(name: str, answer: Tensor, sure: Tensor, labels: Tensor, mine: Tensor) -> Said:
    """Compare the answers [rows] of a model with the labels and with those of the student, one question for each."""
    columns = answer, sure, equal(answer, labels), equal(answer, mine)
    return Said(name, *(column[:, None] for column in columns))


def _among(shared: Outcomes, labels: Tensor) -> Tensor:
    """Return the outcomes of the words, below 0 where a word is none that the two share."""
    outcomes = shared.of_labels(labels)
    return outcomes.masked_fill(outcomes < FIRST_SHARED, NOTHING)
