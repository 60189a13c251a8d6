import math
from itertools import combinations

import pytest
import torch
from scipy.optimize import minimize, minimize_scalar

from helpers.formulas import MULTI, SINGLE, normal
from hf_multiteacher.losses.calibration import TEMPERATURES, errors_by_temperature, fitted_temperature, fitted_weights
from hf_multiteacher.losses.weighting import gold_error

ROWS = 400


def answers(problem, exaggeration):
    """Logits that exaggerate, and labels drawn from what they should have been."""
    logits, generator = normal(ROWS, 5, scale=2.0), torch.Generator().manual_seed(1)
    if problem == SINGLE:
        labels = torch.multinomial(logits.softmax(-1), 1, generator=generator).squeeze(1)
    else:
        labels = torch.bernoulli(logits.sigmoid(), generator=generator)
    return exaggeration * logits, labels


@pytest.mark.parametrize("exaggeration", [0.4, 1.0, 3.0])
@pytest.mark.parametrize("problem", [SINGLE, MULTI])
def test_it_is_the_temperature_of_the_lowest_error(problem, exaggeration):
    logits, labels = answers(problem, exaggeration)
    expected = minimize_scalar(
        lambda temperature: float(gold_error(problem, logits / temperature, labels).sum()),
        bounds=(0.1, 40),
        method="bounded",
    )
    found = fitted_temperature(errors_by_temperature(problem, logits, labels).sum(dim=0))
    assert found == pytest.approx(expected.x, rel=0.01)
    assert found == round(found, 3)


def test_errors_are_those_of_the_outcomes_that_are_made_after_dividing():
    logits, labels = answers(SINGLE, 1.0)

    def first_two_joined(each):
        return torch.cat([each[:, :2].logsumexp(-1, keepdim=True), each[:, 2:]], dim=1)

    found = errors_by_temperature(SINGLE, logits, (labels - 1).clamp(min=0), first_two_joined)
    for temperature, errors in zip(TEMPERATURES, found.T, strict=True):
        p = (logits / temperature).softmax(-1)
        p = torch.cat([p[:, :2].sum(-1, keepdim=True), p[:, 2:]], dim=1)
        torch.testing.assert_close(errors, -p.log()[range(ROWS), (labels - 1).clamp(min=0)])


def test_beside_a_temperature_at_which_a_label_is_impossible_it_is_the_one_that_was_tried():
    errors = torch.tensor([math.inf] * 10 + [1.0, 2.0] + [3.0] * (len(TEMPERATURES) - 12))
    assert fitted_temperature(errors) == round(TEMPERATURES[10], 3)


@pytest.mark.parametrize(("exaggeration", "found"), [(1e-3, 0.125), (1e3, 32.0)])
def test_it_stays_between_the_bounds(exaggeration, found):
    logits, labels = answers(SINGLE, exaggeration)
    assert fitted_temperature(errors_by_temperature(SINGLE, logits, labels).sum(dim=0)) == found


@pytest.mark.parametrize("scales", [(1.0, 1.0), (0.5, 1.5), (0.3, 3.0), (1.0, 1.2, 0.8), (0.2, 1.0, 3.0, 2.0)])
@pytest.mark.parametrize("shared", [0.0, 1.0])
def test_weights_are_those_of_the_mean_with_the_lowest_squared_error(scales, shared):
    noise = normal(ROWS, len(scales)).double() * torch.tensor(scales) + shared * normal(ROWS, 1, seed=1).double()
    products = noise.T @ noise
    start = [1 / len(scales)] * len(scales)
    expected = minimize(
        lambda weights: float(torch.tensor(weights) @ products @ torch.tensor(weights)) / ROWS,
        start,
        bounds=[(0, 1)] * len(scales),
        constraints={"type": "eq", "fun": lambda weights: sum(weights) - 1},
        tol=1e-12,
    )
    found = fitted_weights(products)
    assert found == pytest.approx(expected.x.tolist(), abs=2e-3)
    assert sum(found) == pytest.approx(1, abs=2e-3) and min(found) >= 0


@pytest.mark.parametrize("teachers", [2, 3, 5])
@pytest.mark.parametrize("seed", range(5))
def test_weights_are_the_best_of_teachers_that_err_alike(teachers, seed):
    errors = 10 * normal(30, 1, seed=seed).double() + normal(30, teachers, seed=seed + 9).double()
    products, least = errors.T @ errors, []
    for some in (some for count in range(teachers) for some in combinations(range(teachers), count + 1)):
        weights = torch.zeros(teachers, dtype=torch.float64)
        weights[[*some]] = torch.linalg.solve(products[some, :][:, some], torch.ones(len(some), dtype=torch.float64))
        weights /= weights.sum()
        least.append((float(weights @ products @ weights) if weights.min() >= 0 else math.inf, weights.tolist()))
    assert fitted_weights(products) == pytest.approx(min(least)[1], abs=1e-3)


def test_teachers_that_always_agree_share_alike():
    assert fitted_weights(torch.ones(2, 2)) == [0.5, 0.5]
    assert fitted_weights(torch.ones(1, 1)) == [1.0]
    assert fitted_weights(torch.zeros(4, 4)) == [0.25] * 4, "of teachers that are always right"
