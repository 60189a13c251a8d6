import math

import pytest
import torch

from helpers.formulas import gradient_of, normal
from hf_multiteacher.losses import functional


def test_the_log_likelihood_of_a_span_is_the_sum_over_its_tokens():
    logits, gold = normal(5, 7), torch.tensor([3, 0, 6, 2, 2])
    found = functional.span_log_likelihood(logits, gold, torch.tensor([1, 1, 0, 3, 1]), 4)
    logs = [math.log(row[token].exp() / row.exp().sum()) for row, token in zip(logits, gold, strict=True)]
    torch.testing.assert_close(found, torch.tensor([logs[2], logs[0] + logs[1] + logs[4], 0, logs[3]]).double())


def test_an_impossible_token_makes_its_span_impossible():
    logits = torch.tensor([[0.0, -math.inf], [0.0, 0.0]])
    found = functional.span_log_likelihood(logits, torch.tensor([1, 0]), torch.tensor([0, 1]), 2)
    assert found[0] == -math.inf and found[1].isfinite()


@pytest.mark.parametrize("p", [1e-9, 0.01, 0.5, 0.9])
@pytest.mark.parametrize("q", [1e-9, 0.2, 0.9999])
def test_the_divergence_is_that_of_yes_and_no(p, q):
    expected = p * math.log(p / q) + (1 - p) * math.log((1 - p) / (1 - q))
    logs = (torch.tensor([each], dtype=torch.float64).log() for each in (q, p))
    found = functional.likelihood_divergence(*logs)
    assert found.item() == pytest.approx(expected, rel=1e-6, abs=1e-15)


def test_certain_and_impossible_spans_have_a_finite_loss_and_gradient():
    logs = torch.tensor([0.0, -200.0, -math.inf, -1.0])
    for teacher in (0.0, -200.0, -math.inf):
        losses = functional.likelihood_divergence(logs, torch.full((4,), teacher))
        assert losses.isfinite().all() and (losses > -1e-6).all()
        (gradient, _) = gradient_of(functional.likelihood_divergence, logs, torch.full((4,), teacher))
        assert gradient.isfinite().all()
