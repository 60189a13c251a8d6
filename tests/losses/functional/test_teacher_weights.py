import math

import numpy as np
import pytest
import scipy.special
import scipy.stats
import torch

from helpers.formulas import AVAILABLE, normal
from hf_multiteacher.losses import functional


def weights_by_formula(values, available, share):
    """The formula of confidence and entropy weights, one row after the other."""
    found = np.zeros(values.shape)
    for row in range(values.shape[1]):
        teachers = np.flatnonzero(available[:, row])
        if len(teachers) == 1:
            found[teachers, row] = 1
        elif len(teachers) > 1:
            found[teachers, row] = (1 - share(values[teachers, row])) / (len(teachers) - 1)
    return found


@pytest.mark.parametrize(
    "function, share",
    [
        (functional.confidence_weights, scipy.special.softmax),
        (functional.entropy_weights, lambda entropies: entropies / entropies.sum()),
    ],
)
def test_weights_per_row_follow_the_formula_over_the_teachers_that_have_the_row(function, share):
    values = normal(3, 6).abs()
    found = function(values, AVAILABLE)
    np.testing.assert_allclose(found, weights_by_formula(values.numpy(), AVAILABLE.numpy(), share))
    assert found.sum(dim=0).tolist() == pytest.approx([1, 1, 1, 1, 1, 0])
    np.testing.assert_allclose(function(values), weights_by_formula(values.numpy(), np.ones((3, 6)), share))
    assert function(values[:1]).tolist() == [[1] * 6]


def test_a_teacher_nearer_to_the_gold_label_or_surer_weighs_more():
    values = torch.tensor([[0.1], [0.9]])
    for function in (functional.confidence_weights, functional.entropy_weights):
        better, worse = function(values)
        assert better > worse


def test_entropy_weights_are_equal_where_every_teacher_is_certain():
    found = functional.entropy_weights(torch.zeros(3, 6), AVAILABLE)
    torch.testing.assert_close(found, functional.renormalise(torch.ones(3, 1), AVAILABLE))


def test_a_teacher_that_excludes_the_gold_label_gets_no_confidence():
    assert functional.confidence_weights(torch.tensor([[math.inf], [2.0]])).tolist() == [[0], [1]]
    assert functional.confidence_weights(torch.tensor([[math.inf], [math.inf]])).tolist() == [[0.5], [0.5]]


def test_renormalise_shares_the_weight_among_the_teachers_that_have_the_row():
    found = functional.renormalise(torch.tensor([[0.5], [0.3], [0.2]]), AVAILABLE)
    expected = [[0.5, 0.625, 5 / 7, 0, 0, 0], [0.3, 0.375, 0, 1, 0, 0], [0.2, 0, 2 / 7, 0, 1, 0]]
    torch.testing.assert_close(found, torch.tensor(expected))
    silent = functional.renormalise(torch.tensor([[1.0], [0.0], [0.0]]), AVAILABLE)
    assert silent.tolist() == [[1, 1, 1, 0, 0, 0], [0] * 6, [0] * 6]


def test_normalised_entropy_is_that_of_scipy_to_the_base_of_the_number_of_outcomes():
    logits = normal(6, 9)
    expected = scipy.stats.entropy(scipy.special.softmax(logits.numpy(), axis=-1), base=9, axis=-1)
    np.testing.assert_allclose(functional.normalised_entropy(logits), expected)
    assert functional.normalised_entropy(torch.zeros(2, 5)).tolist() == pytest.approx([1, 1])
    assert functional.normalised_entropy(torch.zeros(2, 1)).tolist() == [0, 0]
    assert functional.normalised_entropy(torch.tensor([[0.0, -math.inf]])).tolist() == [0]
