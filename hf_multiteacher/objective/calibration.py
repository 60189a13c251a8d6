"""The temperatures of a run's teachers, or weights, from what they say on held-out rows; each batch is read once."""

import logging
from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from ..losses.calibration import TEMPERATURES, errors_by_temperature, fitted_temperature, fitted_weights
from .objective import DistillationObjective
from .rows import Inputs, Rows

logger = logging.getLogger(__name__)


def calibrate(objective: DistillationObjective, batches: Iterable[Inputs], gather: Callable[[Tensor], Tensor]) -> None:
    """Find the temperature of each teacher that has none, or in a regression the weights, where none are given.

    Weights are also left in the arguments of the run, where manifest and card read them.

    Args:
        objective: As for `fitted_temperatures`, and so are the others.
        batches: Held-out examples with labels.
        gather: Brings a tensor of all ranks together.

    Raises:
        ValueError: A teacher cannot be compared with labels.
    """
    args, aligned = objective.args, objective.teachers
    if objective.problem == "regression":
        args.teacher_weights = args.teacher_weights or fitted_teacher_weights(objective, batches, gather)
        aligned.set_weights(args.teacher_weights)
        return

    found = fitted_temperatures(objective, batches, gather)
    for teacher, temperature in zip(aligned.teachers, found, strict=True):
        if teacher.temperature is None:
            teacher.temperature = temperature
            _expect_inside(teacher.name, temperature)


def fitted_temperatures(
    objective: DistillationObjective, batches: Iterable[Inputs], gather: Callable[[Tensor], Tensor]
) -> list[float]:
    """Find what each teacher's logits are to be divided by.

    Args:
        objective: The run's objective.
        batches: Held-out examples with labels, at least one batch on every rank.
        gather: Brings a tensor [examples, ...] of all ranks together, without the examples that only fill a batch.

    Returns:
        One temperature per teacher.

    Raises:
        ValueError: A teacher has no row with a label, or says something there that is no number.
    """
    names = objective.teachers.names
    totals = torch.zeros(len(names), len(TEMPERATURES) + 1, dtype=torch.float64)
    for inputs in batches:
        totals += gather(_sums(objective, inputs)).cpu().double().sum(dim=0)

    errors, rows = totals.split([len(TEMPERATURES), 1], dim=-1)
    for name, each, count in zip(names, errors, rows.flatten().tolist(), strict=True):
        if not count:
            raise ValueError(
                f"calibrate_teachers compares teacher '{name}' with labels, but it has no labelled row in "
                "eval_dataset. Give it some, or leave calibrate_teachers out."
            )
        _expect_number(name, each)
    return [fitted_temperature(each) for each in errors]


def fitted_teacher_weights(
    objective: DistillationObjective, batches: Iterable[Inputs], gather: Callable[[Tensor], Tensor]
) -> list[float]:
    """Find how much each teacher of a regression is to say, on the rows that all of them have.

    Args:
        objective: As for `fitted_temperatures`, and so are the others.
        batches: Held-out examples with labels.
        gather: Brings a tensor of all ranks together.

    Returns:
        One weight per teacher; they sum to 1.

    Raises:
        ValueError: There is no labelled row that all teachers have, or one says something there that is no number.
    """
    names = objective.teachers.names
    totals = torch.zeros(len(names), len(names) + 1, dtype=torch.float64)
    for inputs in batches:
        totals += gather(_products(objective, inputs)).cpu().double().sum(dim=0)

    products, rows = totals[:, :-1], totals[0, -1]
    if not rows:
        raise ValueError(
            f"calibrate_teachers compares the teachers {names} with labels, but eval_dataset has no labelled row that "
            "all of them have. Give it some, or leave calibrate_teachers out."
        )
    for name, each in zip(names, products.diagonal(), strict=True):
        _expect_number(name, each)
    return fitted_weights(products)


@torch.no_grad()
def _sums(objective: DistillationObjective, inputs: Inputs) -> Tensor:
    """Add up each teacher's errors within every example, and its rows; [examples, teachers, temperatures + 1]."""
    rows, teachers = objective.rows(inputs), objective.teachers
    logits = objective.ask_teachers(inputs).logits
    labelled = rows.labelled.flatten().index_select(0, rows.index)

    sums = []
    for teacher, available in enumerate(teachers.available(rows)):
        chosen = (available & labelled).nonzero().squeeze(1)
        errors = _errors(objective, teacher, logits[teacher].index_select(0, chosen), rows, chosen)
        sums.append(_per_example(rows, chosen, errors))
    return torch.stack(sums, dim=1)


def _errors(objective: DistillationObjective, teacher: int, logits: Tensor, rows: Rows, chosen: Tensor) -> Tensor:
    """Return the errors of some rows, and a 1 beside them for each row."""
    if rows.labels is None:
        return logits.new_zeros(0, len(TEMPERATURES) + 1)

    outcomes, labels = objective.teachers.outcomes[teacher], rows.labels.index_select(0, chosen)
    if outcomes is None:
        errors = errors_by_temperature(objective.problem, logits, labels)
    else:
        errors = errors_by_temperature(objective.problem, logits, outcomes.of_labels(labels), outcomes.of_teacher)
    return torch.cat([errors, torch.ones_like(errors[:, :1])], dim=1)


@torch.no_grad()
def _products(objective: DistillationObjective, inputs: Inputs) -> Tensor:
    """Add up the products of all errors within every example, and its rows; [examples, teachers, teachers + 1]."""
    rows, teachers = objective.rows(inputs), objective.teachers
    available = torch.stack([*teachers.available(rows)]).all(dim=0)
    labelled = rows.labelled.flatten().index_select(0, rows.index)
    chosen = (available & labelled).nonzero().squeeze(1)
    logits = objective.ask_teachers(inputs).logits
    if rows.labels is None:
        return logits[0].new_zeros(len(rows.mask), len(logits), len(logits) + 1)

    gold = rows.labels.index_select(0, chosen)
    errors = torch.stack([each.index_select(0, chosen).view_as(gold) - gold for each in logits])
    errors = errors.to(torch.float32 if errors.device.type == "mps" else torch.float64)  # the former has no doubles
    products = torch.einsum("tr...,ur...->rtu", errors, errors)
    return _per_example(rows, chosen, torch.cat([products, torch.ones_like(products[:, :, :1])], dim=2))


def _per_example(rows: Rows, chosen: Tensor, values: Tensor) -> Tensor:
    """Add up the values [rows, ...] of some rows within each example, [examples, ...]."""
    tokens = 1 if rows.tokens is None else rows.tokens.shape[1]
    examples = rows.index.index_select(0, chosen) // tokens
    sums = values.new_zeros(len(rows.mask), *values.shape[1:])
    return sums.index_add(0, examples, values)


def _expect_number(name: str, errors: Tensor) -> None:
    if errors.isnan().any() or not errors.isfinite().any():
        raise ValueError(
            f"calibrate_teachers compares teacher '{name}' with labels, but on some row of eval_dataset it says "
            "what is no number, or that the label is impossible. Take the row out, or leave calibrate_teachers out."
        )


def _expect_inside(name: str, temperature: float) -> None:
    if temperature in (TEMPERATURES[0], TEMPERATURES[-1]):
        logger.warning(
            "calibrate_teachers gave teacher '%s' the temperature %s, the end of what is tried: in eval_dataset it is "
            "right about nearly all rows, or tells nothing of their labels. Evaluate on more rows, from which it has "
            "not learned.",
            name,
            temperature,
        )
