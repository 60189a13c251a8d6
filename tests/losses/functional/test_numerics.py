"""Precision, gradients and edges, for every function."""

import pytest
import torch

from helpers.formulas import kl, normal
from hf_multiteacher.losses import functional

HALF_MAX = torch.finfo(torch.float16).max
IDS = torch.tensor([1, 1, 2, 3, 3])
SPANS = torch.tensor([[0, 0, 2, -1], [1, -1, 1, 1]])
LABELS = torch.tensor([0, 4, 2])
TARGETS = torch.tensor([[0.0, 1.0, 0.0, 1.0, 1.0]] * 3)
OTHER = normal(3, 5, seed=5)
FUNCTIONS = {
    "kl_divergence": lambda x: kl(x, OTHER, 2.0),
    "bernoulli_kl_divergence": lambda x: kl(
        functional.bernoulli_logits(x), functional.bernoulli_logits(OTHER), 2.0
    ).sum(-1),
    "squared_error": lambda x: functional.squared_error(x, OTHER),
    "cross_entropy": lambda x: functional.cross_entropy(x, LABELS, 0.1),
    "binary_cross_entropy": lambda x: functional.binary_cross_entropy(x, TARGETS.double()),
    "normalised_entropy": functional.normalised_entropy,
    "coarsen": lambda x: functional.coarsen(x, IDS, 5),
    "coarsened_kl": lambda x: kl(functional.coarsen(x, IDS, 5), functional.coarsen(OTHER, IDS, 5), 2.0),
    "mean_over_spans": lambda x: functional.mean_over_spans(x[:2, :4, None].expand(2, 4, 3), SPANS, 3)[0],
    "cosine_distance": lambda x: functional.cosine_distance(x, OTHER),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradients_are_those_of_finite_differences(name):
    assert torch.autograd.gradcheck(FUNCTIONS[name], normal(3, 5).requires_grad_())


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_inputs_are_computed_in_full_precision(name, dtype):
    logits = normal(3, 5, dtype=dtype)
    with torch.no_grad():
        found = FUNCTIONS[name](logits)
        assert found.dtype in (torch.float32, torch.float64)
        torch.testing.assert_close(found.double(), FUNCTIONS[name](logits.double()), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("dtype, size", [(torch.float16, HALF_MAX), (torch.bfloat16, HALF_MAX), (torch.float32, 1e4)])
def test_extreme_values_give_finite_results_and_gradients(name, dtype, size):
    logits = torch.tensor([[size, -size, size, 0, 1], [-size] * 5, [0, -size, -size, -size, -size]], dtype=dtype)
    logits.requires_grad_()
    found = FUNCTIONS[name](logits)
    assert found.isfinite().all()
    found.sum().backward()
    assert logits.grad.isfinite().all()


def test_results_are_float32_for_half_and_float64_for_float64():
    for dtype, expected in ((torch.float16, torch.float32), (torch.bfloat16, torch.float32), (torch.float64,) * 2):
        logits = normal(3, 5, dtype=dtype)
        spans = torch.zeros(3, 1, dtype=torch.int64)
        found = [
            kl(logits, logits),
            functional.squared_error(logits, logits),
            functional.cross_entropy(logits, LABELS),
            functional.binary_cross_entropy(logits, TARGETS.to(dtype)),
            functional.normalised_entropy(logits),
            functional.coarsen(logits, IDS, 5),
            functional.mean_over_spans(logits[:, None], spans, 1)[0],
            functional.cosine_distance(logits, logits),
            functional.ensemble_probabilities(logits[None], torch.ones(1, 3, dtype=dtype), 2.0),
            functional.ensemble_logits(logits[None], torch.ones(1, 3, dtype=dtype), 2.0),
            functional.confidence_weights(logits),
            functional.entropy_weights(logits.abs()),
            functional.renormalise(logits.abs(), torch.ones(3, 5, dtype=torch.bool)),
        ]
        assert {tensor.dtype for tensor in found} == {expected}


def test_no_rows_give_no_values():
    logits, none = torch.zeros(0, 5, requires_grad=True), torch.zeros(0, dtype=torch.int64)
    found = [
        kl(logits, logits.detach()),
        functional.squared_error(logits, torch.zeros(0, 5)),
        functional.squared_error(logits[:, 0], torch.zeros(0)),
        functional.cross_entropy(logits, none, 0.1),
        functional.binary_cross_entropy(logits, torch.zeros(0, 5)),
        functional.coarsen(logits, IDS, 5),
        functional.cosine_distance(logits, logits),
        functional.ensemble_probabilities(logits[None], torch.ones(1, 0), 2.0),
        functional.ensemble_logits(logits[None], torch.ones(1, 0), 2.0),
        functional.confidence_weights(torch.zeros(2, 0)),
    ]
    assert all(tensor.numel() == 0 for tensor in found)
    sum(tensor.sum() for tensor in found).backward()
