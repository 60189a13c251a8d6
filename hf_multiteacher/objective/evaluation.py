"""What an evaluation says beside the user's metrics: the losses, and the student's loyalty to each teacher."""

import logging
from collections.abc import Callable, Iterator, Mapping
from math import isnan
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .. import loyalty
from ..losses import functional
from ..teachers.ensemble import ENSEMBLE
from .aligned_teachers import SoftTargets
from .answers.record import AnswerRecord
from .components import Component
from .objective import DistillationObjective, HardLoss
from .row_sets import sums_per_example
from .rows import Inputs, Rows
from .teachers_measured import TeachersMeasured

logger = logging.getLogger(__name__)
HARD_LOSS = "hard_loss"
REPORTED = (HARD_LOSS, "soft_loss", "hidden_loss", "loss/")


class EvaluationRecord:
    """Adds up, example by example, the losses on an evaluation set and what the teachers say of it.

    Args:
        objective: The run's objective.
        gather: Brings a tensor [examples, ...] of all ranks together, without the examples that only fill a batch.
        hard_loss: Gives the loss of rows by logits and labels, the teachers' as the student's.
        teachers: What measures the teachers by the user's own function; None where nothing does.
        answers: What adds the answers up for a report; None in a prediction.
    """

    def __init__(
        self,
        objective: DistillationObjective,
        gather: Callable[[Tensor], Tensor],
        hard_loss: HardLoss,
        teachers: TeachersMeasured | None = None,
        answers: AnswerRecord | None = None,
    ) -> None:
        self.objective = objective
        self.gather = gather
        self.hard_loss = hard_loss
        self.teachers = teachers
        self.answers = answers
        self.totals: dict[str, tuple[float, float]] = {}
        self.outputs: list[np.ndarray] = []
        self.answered: list[np.ndarray] = []

    def add(
        self, inputs: Inputs, rows: Rows, components: Mapping[str, Component], targets: SoftTargets | None
    ) -> None:
        """Add one batch: the components on its rows, and what student and teachers said (None without teachers)."""
        sets = self.objective.row_sets(inputs)
        sums = {
            name: sums_per_example(each.values, sets[each.row_set])
            for name, each in components.items()
            if each.row_set is not None and name.startswith(REPORTED)
        }

        if targets is not None and rows.labels is not None:
            sums |= self._teacher_losses(rows, rows.labels, targets)
        if targets is not None and self.objective.problem == "regression":
            self._keep_outputs(targets)
        elif targets is not None:
            sums |= self._agreements(rows, targets)

        if sums:
            self._add_sums(sums)
        if targets is not None and self.answers is not None:
            self.answers.add(inputs, rows, targets)

    def add_answers(self, inputs: Inputs, rows: Rows, targets: SoftTargets | None, predictions: Any) -> None:
        """Keep what the teachers answer to a batch, where the student's predictions are logits and nothing more."""
        labels = inputs.get("labels")
        if self.teachers is None or targets is None or labels is None or not isinstance(predictions, Tensor):
            return

        self.teachers.add(labels, rows, targets)

    def _add_sums(self, sums: Mapping[str, Tensor]) -> None:
        gathered = self.gather(torch.stack([*sums.values()], dim=1)).cpu().double().sum(dim=0).tolist()
        for name, (total, count) in zip(sums, gathered, strict=True):
            before = self.totals.get(name, (0.0, 0.0))
            self.totals[name] = (before[0] + total, before[1] + count)

    def metrics(self) -> dict[str, float]:
        """Return the mean of everything over its rows; what has no row, and loyalty without a value, is left out.

        The hard loss is called `loss`, as `Trainer` calls it.
        """
        means = {name: total / count for name, (total, count) in self.totals.items() if count}
        for name in [name for name, mean in means.items() if isnan(mean) and not name.startswith(REPORTED)]:
            _warn_without(name, "the student's logits, or the teacher's, hold NaN or are infinite.")
            del means[name]

        if HARD_LOSS in means:
            means["loss"] = means.pop(HARD_LOSS)
        return self.objective.with_hidden_loss(means) | self._regression_loyalty()

    def complete(self, metrics: dict[str, float], prefix: str, *, own_loss: bool) -> None:
        """Put the figures beside those of `Trainer`, in whose place the loss stands.

        Args:
            metrics: Those of `Trainer`.
            prefix: `eval`, `test`, ...
            own_loss: Whether somebody's `compute_loss` says what the loss is; then it stays.
        """
        measured = {f"{prefix}_{name}": value for name, value in self.metrics().items()}
        loss = f"{prefix}_loss"
        if own_loss:
            measured = {name: value for name, value in measured.items() if name.split("/")[0] != loss}
        elif loss not in measured:
            metrics.pop(loss, None)

        metrics.update(measured)

    def _agreements(self, rows: Rows, targets: SoftTargets) -> dict[str, Tensor]:
        """Compare the student's decision and distribution on each row with each teacher's and the ensemble's.

        Tagging is compared where the labels are, as its metrics are; an example of a sequence task always counts.
        """
        every_row = rows.labels is None or not self.objective.token_level
        counted = (rows.mask if every_row else rows.labelled)[rows.mask]

        sums = {}
        for name, student, teacher, available in self._compared(targets):
            chosen = available & counted
            mask = torch.zeros_like(rows.mask).masked_scatter(rows.mask, chosen)

            same, near = _agreement(student[chosen], teacher[chosen], self.objective.problem)
            sums[f"label_loyalty/{name}"] = sums_per_example(same, mask)
            sums[f"probability_loyalty/{name}"] = sums_per_example(near, mask)

        return sums

    def _teacher_losses(self, rows: Rows, labels: Tensor, targets: SoftTargets) -> dict[str, Tensor]:
        """Measure each teacher and the ensemble by the student's own loss, on the labelled rows that they have."""
        labelled = rows.labelled[rows.mask]

        sums = {}
        for name, logits, available in self.objective.answers(targets):
            chosen = available & labelled
            mask = torch.zeros_like(rows.mask).masked_scatter(rows.mask, chosen)
            sums[f"loss/{name}"] = sums_per_example(self.hard_loss(logits[chosen], labels[chosen]), mask)

        return sums

    def _compared(self, targets: SoftTargets) -> Iterator[tuple[str, Tensor, Tensor, Tensor]]:
        """Yield each teacher's name, the student's logits, its own, and the rows it has; at last the ensemble's."""
        teachers = self.objective.teachers
        yield from zip(teachers.names, targets.student_logits, targets.teacher_logits, targets.available, strict=True)
        if len(teachers.names) > 1 and teachers.one_outcome_space:
            together = self.objective.ensemble_logits(targets)
            yield ENSEMBLE, targets.student_logits[0], together, targets.followed.any(dim=0)

    def _keep_outputs(self, targets: SoftTargets) -> None:
        """Keep the outputs of student, teachers and ensemble [examples, models, outputs], and which of them count."""
        outputs, answered = [targets.student_logits[0], *targets.teacher_logits], [*targets.available]
        if len(outputs) > 2:
            outputs.append(self.objective.ensemble_logits(targets))
            answered.append(targets.followed.any(dim=0))

        self.outputs.append(self.gather(torch.stack(outputs, dim=1)).cpu().double().numpy())
        self.answered.append(self.gather(torch.stack(answered, dim=1)).cpu().numpy())

    def _regression_loyalty(self) -> dict[str, float]:
        if not self.outputs:
            return {}

        student, *others = np.concatenate(self.outputs).transpose(1, 2, 0)
        metrics = {}
        answered = np.concatenate(self.answered).T
        for name, teacher, has in zip([*self.objective.teachers.names, ENSEMBLE], others, answered, strict=False):
            try:
                pairs = zip(student[:, has], teacher[:, has], strict=True)
                each = [loyalty.regression_loyalty(*pair) for pair in pairs]
            except ValueError as error:
                _warn_without(f"regression_loyalty/{name}", error)
                continue
            metrics[f"regression_loyalty/{name}"] = float(np.mean(each))

        return metrics


def _warn_without(figure: str, reason: object) -> None:
    """Say why a figure is left out: a training goes on where it diverges, as it does in a plain Trainer."""
    measure, _, teacher = figure.partition("/")
    logger.warning("No %s to %s: %s", measure.replace("_", " "), teacher, reason)


def _agreement(student_logits: Tensor, teacher_logits: Tensor, problem: str) -> tuple[Tensor, Tensor]:
    """Return label and probability agreement [rows]; the mean over the labels in multi-label heads.

    NaN where a row holds no distribution: every rank must go on to the gathering.
    """
    rows = len(student_logits)
    if not rows:
        return student_logits.new_zeros(0), student_logits.new_zeros(0)
    if problem == "multi_label_classification":
        student_logits, teacher_logits = map(functional.bernoulli_logits, (student_logits, teacher_logits))

    classes = student_logits.shape[-1]
    pair = student_logits.reshape(-1, classes), teacher_logits.reshape(-1, classes)
    same, near = functional.label_and_probability_agreement(*pair)
    return same.reshape(rows, -1).mean(dim=1), near.reshape(rows, -1).mean(dim=1)
