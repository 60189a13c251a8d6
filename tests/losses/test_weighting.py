import math

import pytest
import torch
from torch.nn import functional as F

from helpers.formulas import MULTI, REGRESSION, SINGLE, normal
from hf_multiteacher.losses import functional
from hf_multiteacher.losses.weighting import gold_error, prediction_entropy


def test_gold_error_sums_over_labels():
    student = normal(4, 4, seed=1)
    labels = torch.tensor([0, 1, 2, 3])
    torch.testing.assert_close(gold_error(SINGLE, student, labels), F.cross_entropy(student, labels, reduction="none"))
    many = (normal(4, 4, seed=3) > 0).double()
    expected = F.binary_cross_entropy_with_logits(student, many, reduction="none").sum(-1)
    torch.testing.assert_close(gold_error(MULTI, student, many), expected)
    numbers = normal(4, seed=3)
    torch.testing.assert_close(gold_error(REGRESSION, student[:, :1], numbers), (student[:, 0] - numbers) ** 2)


def test_prediction_entropy_lies_between_certainty_and_ignorance():
    for problem in (SINGLE, MULTI):
        assert prediction_entropy(problem, torch.zeros(2, 4)).tolist() == pytest.approx([1, 1])
        assert prediction_entropy(problem, torch.tensor([[1e4, -1e4, -1e4, -1e4]])).tolist() == [0]
    p = torch.sigmoid(normal(3, 4))
    expected = -(p * p.log() + (1 - p) * (1 - p).log()).sum(-1) / (4 * math.log(2))
    torch.testing.assert_close(prediction_entropy(MULTI, normal(3, 4)), expected)
    torch.testing.assert_close(prediction_entropy(SINGLE, normal(3, 4)), functional.normalised_entropy(normal(3, 4)))


def test_prediction_entropy_is_refused_in_regression():
    with pytest.raises(ValueError, match="a regression head gives one number"):
        prediction_entropy(REGRESSION, normal(3, 1))
    with pytest.raises(ValueError, match="problem must be one of"):
        prediction_entropy("tagging", normal(3, 1))
