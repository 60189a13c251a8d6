"""What models answer in an evaluation: scored, and kept to be written down."""

import logging
from collections.abc import Sequence
from typing import Any

from transformers import EvalPrediction

from ...romanian.metrics import read_outputs
from ...romanian.scores import NoCorrelationError, without_correlation
from ..data.task_data import TaskData

logger = logging.getLogger(__name__)


class Answers:
    """The `compute_metrics` of a task, which keeps the answers that it scores.

    Args:
        data: The task.
        sentences: Where long sentences were cut, the column `sentence` of the windows: whole sentences are scored.

    Attributes:
        kept: The answers of each call since they were last cleared, in their order: labels, or tags of each sentence,
            or numbers.
    """

    def __init__(self, data: TaskData, sentences: Sequence[int] | None) -> None:
        self.data = data
        self.sentences = sentences
        self.kept: list[list[Any]] = []

    def __call__(self, evaluation: EvalPrediction) -> dict[str, float]:
        """Score the answers of one model; one that always answers the same has NaN for a correlation, and goes on."""
        data = self.data
        answers, gold = read_outputs(evaluation, data.label_names, tagging=data.tagging, sentences=self.sentences)

        self.kept.append(answers)
        try:
            return data.score(answers, gold)
        except NoCorrelationError as error:
            logger.warning("There is no correlation to report: %s", error)
            return without_correlation()
