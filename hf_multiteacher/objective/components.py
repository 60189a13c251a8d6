"""The components of the loss: one value per row each, averaged over the whole optimizer step, weighed and added."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class Component:
    """One value per row of a row set; their sum divided by the set's global count is the component's mean.

    Args:
        values: [rows of the set], or [rows] with 0 for those that are not in the set.
        row_set: The set's name, as in `row_sets`; None where the values are divided already.
    """

    values: Tensor
    row_set: str | None


def detached(components: Mapping[str, Component]) -> dict[str, Component]:
    """Return the values without what a backward pass has needed."""
    return {name: replace(each, values=each.values.detach()) for name, each in components.items()}


def expect_shape(hook: str, values: Tensor, *shape: int) -> Tensor:
    """Return what a method that a subclass may override has computed, or refuse it.

    Args:
        hook: The method's name.
        values: What it returned.
        *shape: What it must have; the last number is that of the rows.

    Raises:
        ValueError: It has another shape.
    """
    if values.shape != shape:
        raise ValueError(
            f"{hook} must return one value per row{' and teacher' if len(shape) > 1 else ''}, {[*shape]}, but it "
            f"returned {[*values.shape]}: the trainer adds them up and divides by the count of the whole step. Take "
            "no mean (reduction='none'), and squeeze what is one number per row."
        )
    return values


def means_of(components: Mapping[str, Component], counts: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the part of a batch in the mean of every component over the whole step."""
    sums = {name: (each.values.sum(), each.row_set) for name, each in components.items()}
    return {name: total if row_set is None else total / counts[row_set] for name, (total, row_set) in sums.items()}


def with_hidden_loss(means: dict[str, Any], teacher_weights: Mapping[str, float]) -> dict[str, Any]:
    """Add the teachers' weighted mean of the hidden-state losses to the means of the components.

    A teacher of weight 0 takes no part: 0 times NaN would be NaN.

    Args:
        means: Component -> mean.
        teacher_weights: Teacher name -> its fixed weight.
    """
    weighted = [
        weight * means[f"hidden_loss/{name}"]
        for name, weight in teacher_weights.items()
        if weight and f"hidden_loss/{name}" in means
    ]

    return means | {"hidden_loss": sum(weighted)} if weighted else means


def total_of(means: Mapping[str, Tensor], weights: Mapping[str, float]) -> Tensor:
    """Return the loss: the components' means times their weights, as far as they are there."""
    parts = [weight * means[name] for name, weight in weights.items() if weight and name in means]
    return torch.stack(parts).sum()
