"""How sure a teacher should be, or how much say it should have in a regression, from the errors on held-out rows."""

from collections.abc import Callable
from itertools import combinations

import torch
from torch import Tensor

from .problem import Problem
from .weighting import gold_error

TEMPERATURES = tuple(2 ** (step / 4) for step in range(-12, 21))
"""Those that are tried: from 1/8 to 32, four to each doubling."""
MOST_ROUNDS = 1000
"""After so many over all pairs of teachers, weights are taken as they are."""


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


def fitted_weights(products: Tensor) -> list[float]:
    """The weights, from 0 on and with a sum of 1, of the mean of teachers with the lowest squared error.

    They are those of a linear stack (Breiman, 1996, "Stacked Regressions"), to three decimals. One pair of teachers
    after the other shares what it has in the best way, until nothing changes.

    Args:
        products: `[teachers, teachers]`, the products of their errors, summed over all rows.
    """
    products, teachers = products.double(), len(products)
    weights = torch.full((teachers,), 1 / teachers, dtype=torch.float64, device=products.device)
    for _ in range(MOST_ROUNDS):
        before = weights.clone()
        for one, other in combinations(range(teachers), 2):
            slope = (products[one] - products[other]) @ weights
            curvature = products[one, one] + products[other, other] - 2 * products[one, other]
            if curvature > 0:
                moved = (-slope / curvature).clamp(-weights[one], weights[other])
                weights[one] += moved
                weights[other] -= moved
        if torch.allclose(weights, before, rtol=0, atol=1e-6):
            break
    return [round(weight, 3) for weight in weights.tolist()]
