import math

import numpy as np
import pytest
import scipy.special
import torch

from helpers.formulas import TEMPERATURES, gradient_of, kl, normal, weights_of
from hf_multiteacher.losses import functional


@pytest.mark.parametrize("temperature", TEMPERATURES)
def test_ensembles_are_the_arithmetic_and_the_geometric_mean_of_the_teachers(temperature):
    logits, weights = normal(3, 5, 7), weights_of(3, 5)
    probabilities = scipy.special.softmax(logits.numpy() / temperature, axis=-1)
    mean = np.einsum("krc,kr->rc", probabilities, weights.numpy())
    found = functional.ensemble_probabilities(logits, weights, temperature)
    np.testing.assert_allclose(found.exp(), mean, rtol=1e-12)
    mean = np.einsum("krc,kr->rc", logits.numpy(), weights.numpy())
    found = functional.ensemble_logits(logits, weights, temperature)
    np.testing.assert_allclose(found.exp(), scipy.special.softmax(mean / temperature, axis=-1), rtol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("ensemble", [functional.ensemble_probabilities, functional.ensemble_logits])
def test_one_teacher_of_weight_one_is_that_teacher_bit_for_bit(ensemble, dtype):
    logits = normal(1, 50, 31, dtype=dtype, scale=8)
    alone = functional.tempered_log_probabilities(logits[0], 2.0)
    assert torch.equal(ensemble(logits, torch.ones(1, 50), 2.0), alone)


@pytest.mark.parametrize("ensemble", [functional.ensemble_probabilities, functional.ensemble_logits])
def test_equal_teachers_are_one_teacher_and_the_order_of_teachers_changes_nothing(ensemble):
    logits, weights = normal(4, 5, 7), weights_of(4, 5)
    same = ensemble(logits[:1].expand(4, 5, 7), weights, 2.0)
    torch.testing.assert_close(same, functional.tempered_log_probabilities(logits[0], 2.0))
    order = [2, 0, 3, 1]
    torch.testing.assert_close(ensemble(logits[order], weights[order], 2.0), ensemble(logits, weights, 2.0))


@pytest.mark.parametrize("ensemble", [functional.ensemble_probabilities, functional.ensemble_logits])
@pytest.mark.parametrize("nothing", [math.nan, -math.inf])
def test_a_teacher_of_weight_zero_has_no_say_whatever_its_logits(ensemble, nothing):
    logits, weights = normal(2, 5, 7), torch.tensor([[1.0], [0.0]]).expand(2, 5)
    expected = ensemble(logits, weights, 2.0)
    logits[1] = nothing
    assert torch.equal(ensemble(logits, weights, 2.0), expected)


@pytest.mark.parametrize("ensemble", [functional.ensemble_probabilities, functional.ensemble_logits])
def test_ensembles_of_teachers_that_exclude_a_class_are_finite(ensemble):
    logits = normal(2, 3, 4)
    logits[:, :, 0] = -math.inf
    logits[0, :, 1] = -math.inf
    found = ensemble(logits, torch.full((2, 3), 0.5), 2.0)
    assert found.isfinite().all()
    assert found[:, 0].exp().max() == 0
    assert (found[:, 1].exp() > 0).all() == (ensemble is functional.ensemble_probabilities)


def test_the_kl_to_the_mean_of_the_probabilities_has_the_gradient_of_the_mean_of_the_kls():
    student, teachers, weights = normal(5, 7, seed=9), normal(3, 5, 7), weights_of(3, 5)
    target = functional.ensemble_probabilities(teachers, weights, 2.0)
    joint = gradient_of(lambda logits: functional.kl_divergence(logits, target, 2.0), student)
    each = gradient_of(
        lambda logits: sum(w * kl(logits, t, 2.0) for w, t in zip(weights, teachers, strict=True)), student
    )
    torch.testing.assert_close(joint, each)


def test_weighted_mean_takes_rows_with_and_without_further_dimensions():
    outputs, weights = normal(3, 5, 2), weights_of(3, 5)
    expected = np.einsum("krc,kr->rc", outputs.numpy(), weights.numpy())
    np.testing.assert_allclose(functional.weighted_mean(outputs, weights), expected)
    np.testing.assert_allclose(functional.weighted_mean(outputs[..., 0], weights), expected[:, 0])
