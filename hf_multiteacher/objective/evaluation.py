"""What an evaluation adds to the user's metrics: the teachers' losses and the student's loyalty to each of them."""

import logging
from collections.abc import Callable, Mapping
from math import isnan

import numpy as np
import torch
from torch import Tensor

from .. import loyalty
from ..losses import functional
from .aligned_teachers import SoftTargets
from .objective import DistillationObjective, Values
from .rows import Inputs, Rows

logger = logging.getLogger(__name__)
ENSEMBLE = "ensemble"
REPORTED = ("soft_loss", "hidden_loss")


class EvaluationRecord:
    """Adds up, example by example, what the teachers say of an evaluation set.

    Args:
        objective: The run's objective.
        gather: Brings a tensor [examples, ...] of all ranks together, without the examples that only fill a batch.
    """

    def __init__(self, objective: DistillationObjective, gather: Callable[[Tensor], Tensor]) -> None:
        self.objective, self.gather = objective, gather
        self.totals: dict[str, tuple[float, float]] = {}
        self.outputs: list[np.ndarray] = []

    def add(self, inputs: Inputs, rows: Rows, values: Mapping[str, Values], targets: SoftTargets) -> None:
        """Add one batch: the values of its rows, and what student and teachers said."""
        sets = self.objective.row_sets(inputs)
        sums = {
            name: _per_example(each.values, sets[each.row_set])
            for name, each in values.items()
            if name.startswith(REPORTED)
        }
        if self.objective.problem == "regression":
            self._keep_outputs(targets)
        else:
            sums |= self._agreements(rows, targets)
        gathered = self.gather(torch.stack([*sums.values()], dim=1)).cpu().double().sum(dim=0).tolist()
        for name, (total, count) in zip(sums, gathered, strict=True):
            before = self.totals.get(name, (0.0, 0.0))
            self.totals[name] = (before[0] + total, before[1] + count)

    def metrics(self) -> dict[str, float]:
        """Return the mean of everything over its rows; what has no row, and loyalty without a value, is left out."""
        means = {name: total / count for name, (total, count) in self.totals.items() if count}
        for name in [name for name, mean in means.items() if isnan(mean) and not name.startswith(REPORTED)]:
            _warn_without(name, "the student's logits, or the teacher's, hold NaN or are infinite.")
            del means[name]
        return self.objective.with_hidden_loss(means) | self._regression_loyalty()

    def _agreements(self, rows: Rows, targets: SoftTargets) -> dict[str, Tensor]:
        """Compare the student's decision and distribution on each row with each teacher's and the ensemble's.

        Tagging is compared where the labels are, as its metrics are; an example of a sequence task always counts.
        """
        objective, sums = self.objective, {}
        counted = rows.mask if rows.labels is None or not objective.token_level else rows.labelled
        compared = [
            *zip(objective.panel.names, targets.student_logits, targets.teacher_logits, targets.has, strict=True)
        ]
        if len(compared) > 1 and objective.panel.one_outcome_space:
            together = objective.ensemble_logits(targets)
            compared.append((ENSEMBLE, targets.student_logits[0], together, targets.takes_part.any(dim=0)))
        for name, student, teacher, has in compared:
            chosen = has & counted[rows.mask]
            mask = torch.zeros_like(rows.mask).masked_scatter(rows.mask, chosen)
            same, near = _compare(*(_class_logits(logits[chosen], objective.problem) for logits in (student, teacher)))
            sums[f"label_loyalty/{name}"] = _per_example(torch.from_numpy(same).to(mask.device), mask)
            sums[f"probability_loyalty/{name}"] = _per_example(torch.from_numpy(near).to(mask.device), mask)
        return sums

    def _keep_outputs(self, targets: SoftTargets) -> None:
        """Keep the outputs of student, teachers and ensemble: [examples, models, outputs]."""
        outputs = [targets.student_logits[0], *targets.teacher_logits]
        if len(outputs) > 2:
            outputs.append(self.objective.ensemble_logits(targets))
        self.outputs.append(self.gather(torch.stack(outputs, dim=1)).cpu().double().numpy())

    def _regression_loyalty(self) -> dict[str, float]:
        if not self.outputs:
            return {}
        outputs, metrics = np.concatenate(self.outputs).transpose(1, 2, 0), {}
        for name, teacher in zip([*self.objective.panel.names, ENSEMBLE], outputs[1:], strict=False):
            try:
                each = [loyalty.regression_loyalty(*pair) for pair in zip(outputs[0], teacher, strict=True)]
            except ValueError as error:
                _warn_without(f"regression_loyalty/{name}", error)
                continue
            metrics[f"regression_loyalty/{name}"] = float(np.mean(each))
        return metrics


def _warn_without(figure: str, reason: object) -> None:
    """Say why a figure is left out: a training goes on where it diverges, as it does in a plain Trainer."""
    measure, _, teacher = figure.partition("/")
    logger.warning("No %s to %s: %s", measure.replace("_", " "), teacher, reason)


def _per_example(values: Tensor, mask: Tensor) -> Tensor:
    """Return the sum of the values of each example's rows, and their number; [examples, 2]."""
    sums = torch.zeros(len(mask), device=mask.device).index_add(0, mask.nonzero()[:, 0], values.float())
    return torch.stack([sums, mask.flatten(1).sum(dim=1) if mask.dim() > 1 else mask.float()], dim=1)


def _class_logits(logits: Tensor, problem: str) -> np.ndarray:
    """Return logits [rows, ..., classes]; the yes / no of each label in multi-label heads."""
    if problem == "multi_label_classification":
        logits = functional.bernoulli_logits(logits)
    return logits.cpu().double().numpy()


def _has_softmax(logits: np.ndarray) -> bool:
    return bool(np.isfinite(logits.max(axis=-1)).all())


def _compare(student: np.ndarray, teacher: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return label and probability agreement per row, in float64; the mean over the labels in multi-label heads.

    NaN where a row holds no distribution: every rank must go on to the gathering.
    """
    if not len(student):
        return np.zeros(0), np.zeros(0)
    if not (_has_softmax(student) and _has_softmax(teacher)):
        return np.full(len(student), np.nan), np.full(len(student), np.nan)
    same = loyalty.label_agreement(loyalty.predicted_labels(student), loyalty.predicted_labels(teacher))
    near = loyalty.probability_agreement(student, teacher, from_logits=True)
    return same.reshape(len(student), -1).mean(axis=1), near.reshape(len(student), -1).mean(axis=1)
