"""How sure a teacher should be: the one number by which its logits are divided, from the errors on held-out rows."""

from collections.abc import Callable

import torch
from torch import Tensor

from .problem import Problem
from .weighting import gold_error

TEMPERATURES = tuple(2 ** (step / 4) for step in range(-12, 21))
"""Those that are tried: from 1/8 to 32, four to each doubling."""


def errors_by_temperature(
    problem: Problem, teacher_logits: Tensor, labels: Tensor, outcomes_of: Callable[[Tensor], Tensor] | None = None
) -> Tensor:
    """A teacher's loss with the gold labels at each of `TEMPERATURES`.

    Args:
        problem: What the logits mean; no regression.
        teacher_logits: `[rows, classes]`.
        labels: As `HardLabelLoss` takes them, in the outcomes that teacher and student share.
        outcomes_of: Makes logits of these outcomes from the teacher's; None where they are the same.

    Returns:
        `[rows, temperatures]`.
    """
    each = (teacher_logits / temperature for temperature in TEMPERATURES)
    shared = each if outcomes_of is None else map(outcomes_of, each)
    return torch.stack([gold_error(problem, logits, labels) for logits in shared], dim=-1)


def fitted_temperature(errors: Tensor) -> float:
    """The temperature of the lowest error (Guo et al., 2017), to three decimals.

    Between those that were tried it is that of the parabola through the lowest error and its neighbours, over the
    logarithm of the temperature.

    Args:
        errors: `[temperatures]`, the sum over all rows at each of `TEMPERATURES`.
    """
    lowest = int(errors.argmin())
    around = errors[max(lowest - 1, 0) : lowest + 2]
    # At an end, or beside a temperature at which a label is impossible.
    if len(around) < 3 or not around.isfinite().all():
        return round(TEMPERATURES[lowest], 3)

    before, least, after = around.tolist()
    steps = (before - after) / (before - 2 * least + after) / 2
    return round(TEMPERATURES[lowest] * 2 ** (steps / 4), 3)
