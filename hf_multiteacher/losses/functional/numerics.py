"""What all formulas share: precision, what stands for the impossible, and the shapes that must be equal."""

import math

import torch
from torch import Tensor

LOG_ZERO = -1e4
"""The log-probability of what cannot happen: finite, and exactly 0 once exponentiated in float32."""

IGNORED_LABEL = -100
"""The label of a row, or of one label among several, that has none; as in torch and transformers."""


def full_precision(values: Tensor) -> Tensor:
    """Bring values to float32, or leave them in float64."""
    return values.to(torch.promote_types(values.dtype, torch.float32))


def finite(log_probabilities: Tensor) -> Tensor:
    """Write `LOG_ZERO` for minus infinity; NaN stays NaN."""
    # torch.nan_to_num says the same and takes twice as long in the backward pass.
    return log_probabilities.masked_fill(log_probabilities == -math.inf, LOG_ZERO)


def expect_same_shape(first_name: str, first: Tensor, second_name: str, second: Tensor) -> None:
    """Refuse tensors that torch would broadcast.

    Args:
        first_name: What the error calls the first tensor.
        first: Any tensor.
        second_name: What the error calls the second tensor.
        second: A tensor that is to have the first one's shape.

    Raises:
        ValueError: If the shapes differ.
    """
    if first.shape != second.shape:
        raise ValueError(
            f"The {first_name} and the {second_name} must have one shape, but are {list(first.shape)} and "
            f"{list(second.shape)}. Broadcasting would give a wrong loss: bring both to the same rows and columns."
        )
