import math

import numpy as np
import pytest
import scipy.special
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from helpers.formulas import TEMPERATURES, gradient_of, kl, normal
from hf_multiteacher.losses import functional


@pytest.mark.parametrize("temperature", TEMPERATURES)
def test_kl_divergence_is_that_of_scipy_times_the_squared_temperature(temperature):
    student, teacher = normal(6, 9, seed=1), normal(6, 9, seed=2)
    p = scipy.special.softmax(teacher.numpy() / temperature, axis=-1)
    q = scipy.special.softmax(student.numpy() / temperature, axis=-1)
    expected = temperature**2 * scipy.special.rel_entr(p, q).sum(-1)
    np.testing.assert_allclose(kl(student, teacher, temperature), expected, rtol=1e-12)
    np.testing.assert_allclose(kl(student.float(), teacher.float(), temperature), expected, rtol=1e-5)


@pytest.mark.parametrize("temperature", TEMPERATURES)
def test_kl_divergence_is_zero_for_equal_distributions_whatever_the_offset_of_the_logits(temperature):
    logits = normal(6, 9)
    offsets = normal(6, 1, seed=3)
    assert kl(logits + offsets, logits, temperature).abs().max() < 1e-12
    assert kl((logits + offsets).float(), logits.float(), temperature).abs().max() < 1e-4
    assert kl(logits, logits, temperature).abs().max() == 0


@settings(deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 40), st.sampled_from(TEMPERATURES), st.floats(0, 30))
def test_kl_divergence_is_never_negative_beyond_rounding(seed, classes, temperature, scale):
    teacher = normal(4, classes, seed=seed, scale=scale, dtype=torch.float32)
    near = teacher + 1e-3 * normal(4, classes, seed=seed + 1, dtype=torch.float32)
    for student in (near, normal(4, classes, seed=seed + 2, scale=scale, dtype=torch.float32)):
        assert kl(student, teacher, temperature).min() > -2e-7 * temperature**2


def test_kl_divergence_of_a_near_student_over_a_large_vocabulary_is_not_lost_in_rounding():
    teacher = normal(3, 50_000, dtype=torch.float32)
    student = teacher + 0.01 * normal(3, 50_000, seed=1, dtype=torch.float32)
    expected = kl(student.double(), teacher.double(), 7.0)
    torch.testing.assert_close(kl(student, teacher, 7.0).double(), expected, rtol=1e-3, atol=0)


def test_kl_divergence_refuses_shapes_that_would_broadcast():
    with pytest.raises(ValueError, match=r"one shape, but are \[4, 3\] and \[1, 3\]"):
        functional.kl_divergence(normal(4, 3), normal(1, 3), 1.0)


def test_a_class_that_the_teacher_excludes_adds_nothing_and_has_a_finite_gradient():
    student, teacher = normal(3, 5, seed=1), normal(3, 5, seed=2)
    teacher[:, 2] = -math.inf
    p = scipy.special.softmax(teacher.numpy(), axis=-1)
    expected = scipy.special.rel_entr(p, scipy.special.softmax(student.numpy(), axis=-1)).sum(-1)
    np.testing.assert_allclose(kl(student, teacher), expected, rtol=1e-12)
    gradient = gradient_of(lambda logits: kl(logits, teacher), student)
    np.testing.assert_allclose(gradient, scipy.special.softmax(student.numpy(), axis=-1) - p, atol=1e-12)


def test_a_class_that_both_exclude_adds_nothing_and_one_that_only_the_student_excludes_costs_a_finite_amount():
    student, teacher = normal(2, 4, seed=1), normal(2, 4, seed=2)
    student[:, 1] = teacher[0, 1] = -math.inf
    kept = [0, 2, 3]
    torch.testing.assert_close(kl(student, teacher)[0], kl(student[:, kept], teacher[:, kept])[0])
    assert 0 < kl(student, teacher)[1] < 1e5
    assert gradient_of(lambda logits: kl(logits, teacher), student).isfinite().all()


def test_nan_is_not_hidden():
    logits = normal(2, 3)
    logits[0, 0] = math.nan
    assert kl(logits, normal(2, 3)).isnan().tolist() == [True, False]


@pytest.mark.parametrize("temperature", TEMPERATURES)
def test_bernoulli_kl_divergence_is_the_sum_of_scipys_over_the_labels(temperature):
    student, teacher = normal(6, 4, seed=1), normal(6, 4, seed=2)
    p, q = (scipy.special.expit(logits.numpy() / temperature) for logits in (teacher, student))
    expected = temperature**2 * (scipy.special.rel_entr(p, q) + scipy.special.rel_entr(1 - p, 1 - q)).sum(-1)
    target = functional.tempered_log_probabilities(functional.bernoulli_logits(teacher), temperature)
    found = functional.kl_divergence(functional.bernoulli_logits(student), target, temperature).sum(-1)
    np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_squared_error_takes_rows_with_one_or_several_outputs_and_refuses_a_mixture():
    outputs, targets = normal(5, 1), normal(5, seed=1)
    torch.testing.assert_close(functional.squared_error(outputs, targets), (outputs[:, 0] - targets) ** 2)
    several, goals = normal(5, 3), normal(5, 3, seed=1)
    expected = F.mse_loss(several, goals, reduction="none").mean(-1)
    torch.testing.assert_close(functional.squared_error(several, goals), expected)
    with pytest.raises(ValueError, match=r"\[5, 3\] and \[5, 1\]"):
        functional.squared_error(several, targets)
