"""What an evaluation adds to the user's metrics: the teachers' losses and the student's loyalty to each of them."""

import logging
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from . import functional, loyalty
from .objective import DistillationObjective, SoftTargets, Values

logger = logging.getLogger(__name__)
ENSEMBLE = "ensemble"


class EvaluationRecord:
    """Adds up, example by example, what the teachers say of the evaluation set.

    Args:
        objective: The run's objective.
        gather: Brings a tensor [examples, ...] of all ranks together, without the examples that only fill a batch.
    """

    def __init__(self, objective: DistillationObjective, gather: Callable[[Tensor], Tensor]) -> None:
        self.objective, self.gather = objective, gather
        self.names: list[str] = []
        self.totals: Tensor | None = None
        self.outputs: list[np.ndarray] = []

    def add(self, inputs: dict[str, Tensor], values: dict[str, Values], targets: SoftTargets) -> None:
        """Add one batch: the values of its rows, and what student and teachers said."""
        sets = self.objective.row_sets(inputs)
        reported = {name: value for name, value in values.items() if name.startswith(("soft_loss", "hidden_loss"))}
        if self.objective.problem == "regression":
            self._keep_outputs(targets)
        else:
            reported |= self._agreements(targets)
        examples = len(inputs["input_ids"])
        columns = []
        for value in reported.values():
            index = sets[value.row_set]
            pair = torch.stack([value.values.double(), torch.ones_like(value.values, dtype=torch.double)], dim=1)
            columns.append(pair.new_zeros(examples, 2).index_add(0, index, pair))
        added = self.gather(torch.stack(columns, dim=1)).sum(dim=0)
        self.names, self.totals = list(reported), added if self.totals is None else self.totals + added

    def metrics(self) -> dict[str, float]:
        """Return the mean of everything over its rows; what has no row is left out."""
        if self.totals is None:
            return {}
        pairs = zip(self.names, self.totals.tolist(), strict=True)
        means = {name: total / count for name, (total, count) in pairs if count}
        return self.objective.with_hidden_loss(means) | self._regression_loyalty()

    def _agreements(self, targets: SoftTargets) -> dict[str, Values]:
        """Compare the student's decision and distribution on each row with each teacher's and the ensemble's."""
        some = targets.available.any(dim=0)
        compared = [
            (name, targets.student_logits[teacher], targets.teacher_logits[teacher], targets.available[teacher])
            for teacher, name in enumerate(self.objective.teachers.names)
        ]
        if len(compared) > 1 and self.objective.one_outcome_space:
            compared.append((ENSEMBLE, targets.student_logits[0], self.objective.ensemble_logits(targets), some))
        values = {}
        for name, student, teacher, has in compared:
            row_set = "soft" if name == ENSEMBLE else f"soft/{name}"
            rows = [_class_logits(logits[has], self.objective.problem) for logits in (student, teacher)]
            same, near = (torch.from_numpy(each).to(has.device) for each in _compare(*rows))
            values[f"label_loyalty/{name}"] = Values(same, row_set)
            values[f"probability_loyalty/{name}"] = Values(near, row_set)
        return values

    def _keep_outputs(self, targets: SoftTargets) -> None:
        """Keep the outputs of student, teachers and ensemble: [examples, 2 + teachers, outputs]."""
        ensemble = self.objective.ensemble_logits(targets)
        outputs = torch.stack([targets.student_logits[0], *targets.teacher_logits, ensemble], dim=1)
        self.outputs.append(self.gather(outputs).double().cpu().numpy())

    def _regression_loyalty(self) -> dict[str, float]:
        if not self.outputs:
            return {}
        outputs, metrics = np.concatenate(self.outputs), {}
        for column, name in enumerate([*self.objective.teachers.names, ENSEMBLE], start=1):
            try:
                each = [
                    loyalty.regression_loyalty(outputs[:, 0, k], outputs[:, column, k])
                    for k in range(outputs.shape[2])
                ]
            except ValueError as error:
                logger.warning("No regression loyalty to %s: %s", name, error)
                continue
            metrics[f"regression_loyalty/{name}"] = float(np.mean(each))
        return metrics


def _class_logits(logits: Tensor, problem: str) -> np.ndarray:
    """Return logits [rows, ..., classes]; the yes / no of each label in multi-label heads."""
    if problem == "multi_label_classification":
        logits = functional.bernoulli_logits(logits)
    return logits.double().cpu().numpy()


def _compare(student: np.ndarray, teacher: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return label and probability agreement per row, in float64; the mean over the labels in multi-label heads."""
    if not len(student):
        return np.zeros(0), np.zeros(0)
    same = loyalty.label_agreement(loyalty.predicted_labels(student), loyalty.predicted_labels(teacher))
    near = loyalty.probability_agreement(student, teacher, from_logits=True)
    return same.reshape(len(student), -1).mean(axis=1), near.reshape(len(student), -1).mean(axis=1)
