"""The teachers' own quality: what they answer in an evaluation, measured by the user's `compute_metrics`."""

import logging
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor
from transformers import EvalPrediction
from transformers.trainer_pt_utils import nested_concat, nested_numpify
from transformers.trainer_utils import denumpify_detensorize

from ..losses.functional import IGNORED_LABEL
from .aligned_teachers import SoftTargets
from .objective import DistillationObjective
from .rows import Rows

logger = logging.getLogger(__name__)
Metrics = Callable[[EvalPrediction], dict[str, Any]]


class TeachersMeasured:
    """Keeps the answers of the teachers to an evaluation set, and stands in for the user's `compute_metrics`.

    The teachers run in an evaluation anyway. Their answers have the shape and the labels of the student's; a word that
    a teacher's own tokenizer does not have counts as not asked, as it does where that teacher is evaluated by itself.

    Args:
        compute_metrics: The user's function.
        objective: The run's objective; a task over labels.
        accelerator: Brings what is said of a batch together from all ranks.
        preprocess: `preprocess_logits_for_metrics`.
        concatenate: `eval_do_concat_batches`.
    """

    def __init__(
        self,
        compute_metrics: Metrics,
        objective: DistillationObjective,
        accelerator: Accelerator,
        preprocess: Callable[[Tensor, Tensor], Any] | None,
        *,
        concatenate: bool,
    ) -> None:
        self.compute_metrics = compute_metrics
        self.objective = objective
        self.accelerator = accelerator
        self.preprocess = preprocess
        self.concatenate = concatenate
        self.answers: dict[str, list[tuple[Any, np.ndarray]]] = {}

    def add(self, labels: Tensor, rows: Rows, targets: SoftTargets) -> None:
        """Keep what every teacher answers to one batch.

        Args:
            labels: The batch's labels.
            rows: Its rows.
            targets: What the teachers say on them.
        """
        for name, logits, answered in self.objective.answers(targets):
            own_labels, asked = labels, answered
            if rows.tokens is not None:
                logits, own_labels = _on_tokens(rows, logits, answered, labels)
                asked = torch.ones_like(labels[:, 0], dtype=torch.bool)

            self.answers.setdefault(name, []).append(self._gathered(logits, own_labels, asked))

    def _gathered(self, logits: Tensor, labels: Tensor, asked: Tensor) -> tuple[Any, np.ndarray]:
        """Do what `Trainer` does with the student's logits and labels of a batch, and leave out some examples."""
        logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
        pad, gather = self.accelerator.pad_across_processes, self.accelerator.gather_for_metrics
        logits, labels = (pad(each, dim=1, pad_index=IGNORED_LABEL) for each in (logits, labels))
        predictions = logits if self.preprocess is None else self.preprocess(logits, labels)

        kept = nested_numpify(gather(asked))
        return tuple(_of_examples(nested_numpify(gather(each)), kept) for each in (predictions, labels))

    def __call__(self, prediction: EvalPrediction) -> dict[str, Any]:
        """Measure the teachers and then the student, which so has the last word where the function writes files."""
        figures = [self._figures_of(name, prediction) for name in self.answers]
        own = self.compute_metrics(prediction)

        return {name: value for each in figures for name, value in each.items()} | own

    def _figures_of(self, name: str, prediction: EvalPrediction) -> dict[str, float]:
        """Return a teacher's figures, as `<metric>/<teacher>`; the losses are the student's and are not handed on."""
        predictions, labels = (self._joined(each) for each in zip(*self.answers[name], strict=True))
        try:
            measured = self.compute_metrics(EvalPrediction(predictions, labels, inputs=prediction.inputs))
        except Exception as error:  # whatever somebody's function does: the student's evaluation must go on
            logger.warning("compute_metrics could not measure %s: %s: %s", name, type(error).__name__, error)
            return {}

        figures = {metric: value for metric, value in denumpify_detensorize(measured).items() if _is_number(value)}
        figures |= _coverage(labels, prediction.label_ids)
        return {f"{metric}/{name}": value for metric, value in figures.items()}

    def _joined(self, batches: Sequence[Any]) -> Any:
        """Put the batches of an evaluation together, two by two: one by one would copy the first each time."""
        if not self.concatenate:
            return [*batches]

        while len(batches) > 1:
            pairs = [batches[place : place + 2] for place in range(0, len(batches), 2)]
            batches = [nested_concat(*pair) if len(pair) == 2 else pair[0] for pair in pairs]
        return batches[0]


def _on_tokens(rows: Rows, logits: Tensor, answered: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Put the logits of rows to their tokens, and take the label from those that are not answered.

    Args:
        rows: Those of the batch.
        logits: [rows, labels].
        answered: Which rows the teacher has, bool [rows].
        labels: [batch, length].

    Returns:
        Logits [batch, length, labels] and labels [batch, length]; -100, `Trainer`'s padding, where there is nothing.
    """
    said = logits.masked_fill(~answered[:, None], IGNORED_LABEL)
    tokens = logits.new_full((rows.mask.numel(), logits.shape[-1]), IGNORED_LABEL).index_copy(0, rows.index, said)
    has = torch.zeros_like(rows.mask).flatten().index_copy(0, rows.index, answered).view_as(rows.mask)

    return tokens.view(*rows.mask.shape, -1), labels.masked_fill(~has, IGNORED_LABEL)


def _of_examples(arrays: Any, kept: np.ndarray) -> Any:
    """Return what belongs to some examples, in arrays or nests of them."""
    if kept.all():
        return arrays
    if isinstance(arrays, list | tuple):
        return type(arrays)(_of_examples(each, kept) for each in arrays)
    return arrays[kept]


def _coverage(labels: Any, asked: Any) -> dict[str, float]:
    """Return what share of the labelled words a teacher has answered, where it is not all of them."""
    answered, of = (sum(int((each != IGNORED_LABEL).sum()) for each in _listed(labels)) for labels in (labels, asked))
    return {"coverage": answered / of} if answered < of else {}


def _listed(arrays: Any) -> list[np.ndarray]:
    """Return the arrays of all batches; one where they are concatenated."""
    return [arrays] if isinstance(arrays, np.ndarray) else [*arrays]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)
