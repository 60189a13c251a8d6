"""How sure a teacher should be, or how much say it should have in a regression, from the errors on held-out rows."""

from collections.abc import Callable

import torch
from torch import Tensor

from .problem import Problem
from .weighting import gold_error

TEMPERATURES = tuple(2 ** (step / 4) for step in range(-12, 21))
"""Those that are tried: from 1/8 to 32, four to each doubling."""
MOST_ROUNDS = 1000
"""So many teachers may join those that are heard."""
RIDGE = 1e-10
"""A share of the mean squared error that each teacher is thought to have for itself: equal ones then share alike."""


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
    """The temperature of the lowest error (Guo et al., 2017), within two percent of it, with three decimals.

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

    They are those of a linear stack (Breiman, 1996, "Stacked Regressions"), to three decimals, found as the point of a
    polytope that is nearest to the origin (Wolfe, 1976). Teachers that always agree share alike.

    Args:
        products: `[teachers, teachers]`, the products of their errors, summed over all rows.
    """
    products = products.double()
    least = RIDGE * float(products.diagonal().mean()) or 1.0
    products = products + least * torch.eye(len(products), dtype=products.dtype, device=products.device)

    weights = torch.zeros_like(products[0])
    weights[products.diagonal().argmin()] = 1.0
    for _ in range(MOST_ROUNDS):
        slopes = products @ weights
        heard = weights > 0
        joins = slopes.masked_fill(heard, torch.inf).argmin()
        if heard.all() or slopes[joins] > (1 - RIDGE) * (slopes @ weights):
            break
        heard[joins] = True
        weights = _shared_among(heard, products, weights)
    return [round(weight, 3) for weight in weights.tolist()]


def _shared_among(heard: Tensor, products: Tensor, weights: Tensor) -> Tensor:
    """Go from some weights to the best ones of the teachers that are heard, until only those with a say are left."""
    while True:
        best = torch.zeros_like(weights)
        best[heard] = torch.linalg.solve(products[heard][:, heard], torch.ones_like(weights[heard]))
        best /= best.sum()
        leaving = heard & (best < 0)
        if not leaving.any():
            return best

        shares = weights[leaving] / (weights[leaving] - best[leaving])
        weights = weights + shares.min() * (best - weights)
        first_to_leave = leaving.nonzero()[shares.argmin()]
        weights[first_to_leave], heard[first_to_leave] = 0.0, False
