import math

import numpy as np
import pytest
import scipy.special
import torch

from helpers.formulas import CLASSES, MULTI, PROBLEMS, REGRESSION, SINGLE, normal
from hf_multiteacher.losses.soft_target import SoftTargetLoss, joint_logits

ENSEMBLES = ["probabilities", "logits", "per_teacher"]
WEIGHTS = torch.tensor([[0.5, 1, 0.2, 0], [0.3, 0, 0.7, 0.6], [0.2, 0, 0.1, 0.4]], dtype=torch.float64)


def models(problem, dtype=torch.float64):
    """Logits of a student and of three teachers for four rows."""
    return normal(4, CLASSES[problem], seed=1, dtype=dtype), normal(3, 4, CLASSES[problem], seed=2, dtype=dtype)


def reference_row(problem, ensemble, temperature, student, teachers, weights):
    """The objective of one row, in loops over Python numbers."""

    def softmax(logits):
        powers = [math.exp(x / temperature) for x in logits]
        return [power / sum(powers) for power in powers]

    def divergence(targets, logits):
        kl = sum(p * math.log(p / q) for p, q in zip(targets, softmax(logits), strict=True))
        return temperature**2 * kl

    def mean(values):
        return [sum(w * row[i] for w, row in zip(weights, values, strict=True)) for i in range(len(values[0]))]

    def single_label(student, teachers):
        if ensemble == "per_teacher":
            return sum(w * divergence(softmax(t), student) for w, t in zip(weights, teachers, strict=True))
        target = softmax(mean(teachers)) if ensemble == "logits" else mean([softmax(t) for t in teachers])
        return divergence(target, student)

    if problem == SINGLE:
        return single_label(student, teachers)
    if problem == MULTI:
        return sum(single_label([student[i], 0], [[t[i], 0] for t in teachers]) for i in range(len(student)))
    if ensemble == "per_teacher":
        return sum(w * (student[0] - t[0]) ** 2 for w, t in zip(weights, teachers, strict=True))
    return (student[0] - mean(teachers)[0]) ** 2


def reference(problem, ensemble, temperature, student, teachers):
    return np.array(
        [
            reference_row(problem, ensemble, temperature, student[i], [t[i] for t in teachers], WEIGHTS[:, i].tolist())
            for i in range(len(student))
        ]
    )


@pytest.mark.parametrize("temperature", [1.0, 2.0, 5.0])
@pytest.mark.parametrize("ensemble", ENSEMBLES)
@pytest.mark.parametrize("problem", PROBLEMS)
def test_soft_target_loss_and_its_gradient_equal_a_reference_in_loops(problem, ensemble, temperature):
    student, teachers = models(problem)
    loss = SoftTargetLoss(problem, temperature, ensemble)
    expected = reference(problem, ensemble, temperature, student.tolist(), teachers.tolist())
    np.testing.assert_allclose(loss(student, teachers, WEIGHTS), expected, rtol=1e-9)
    single = loss(student.float(), teachers.float(), WEIGHTS.float())
    np.testing.assert_allclose(single, expected, rtol=1e-5, atol=1e-7)

    step, slope = 1e-6, np.zeros(student.shape)
    for row, column in np.ndindex(*student.shape):
        moved = []
        for sign in (1, -1):
            near = student.clone()
            near[row, column] += sign * step
            moved.append(reference(problem, ensemble, temperature, near.tolist(), teachers.tolist())[row])
        slope[row, column] = (moved[0] - moved[1]) / (2 * step)
    student.requires_grad_()
    loss(student, teachers, WEIGHTS).sum().backward()
    np.testing.assert_allclose(student.grad, slope, atol=1e-7)


@pytest.mark.parametrize("ensemble", ENSEMBLES)
@pytest.mark.parametrize("problem", PROBLEMS)
def test_a_teacher_equal_to_the_student_gives_no_loss(problem, ensemble):
    student, _ = models(problem)
    for temperature in (0.5, 1.0, 2.0, 7.0):
        loss = SoftTargetLoss(problem, temperature, ensemble)
        assert loss(student, student.expand(3, -1, -1), WEIGHTS).abs().max() < 1e-12


@pytest.mark.parametrize("ensemble", ENSEMBLES)
@pytest.mark.parametrize("problem", PROBLEMS)
def test_one_teacher_in_an_ensemble_is_that_teacher_alone_bit_for_bit(problem, ensemble):
    student, teachers = models(problem, torch.float32)
    loss = SoftTargetLoss(problem, 2.0, ensemble)
    assert torch.equal(loss(student, teachers[:1], torch.ones(1, 4)), loss.divergence(student, teachers[0]))


@pytest.mark.parametrize("ensemble", ENSEMBLES)
@pytest.mark.parametrize("problem", PROBLEMS)
def test_equal_teachers_are_one_and_their_order_changes_nothing(problem, ensemble):
    student, teachers = models(problem)
    loss = SoftTargetLoss(problem, 2.0, ensemble)
    same = loss(student, teachers[:1].expand(3, -1, -1), WEIGHTS)
    torch.testing.assert_close(same, loss.divergence(student, teachers[0]))
    order = [2, 0, 1]
    torch.testing.assert_close(loss(student, teachers[order], WEIGHTS[order]), loss(student, teachers, WEIGHTS))


@pytest.mark.parametrize("ensemble", ENSEMBLES)
@pytest.mark.parametrize("problem", PROBLEMS)
def test_a_row_that_no_teacher_has_costs_nothing_and_has_no_gradient(problem, ensemble):
    student, teachers = models(problem)
    student.requires_grad_()
    weights = WEIGHTS.clone()
    weights[:, 2] = 0
    losses = SoftTargetLoss(problem, 2.0, ensemble)(student, teachers, weights)
    assert (losses == 0).tolist() == [False, False, True, False]
    losses.sum().backward()
    assert student.grad.abs().sum(dim=1).bool().tolist() == [True, True, False, True]


@pytest.mark.parametrize("problem", [SINGLE, MULTI])
def test_the_squared_temperature_keeps_the_size_of_the_gradient(problem):
    student, teachers = (1e-3 * logits for logits in models(problem))
    sizes = []
    for temperature in (1.0, 50.0):
        logits = student.clone().requires_grad_()
        SoftTargetLoss(problem, temperature).divergence(logits, teachers[0]).sum().backward()
        sizes.append(logits.grad.norm())
    torch.testing.assert_close(sizes[0], sizes[1], rtol=1e-2, atol=0)


def test_temperature_means_nothing_in_regression():
    student, teachers = models(REGRESSION)
    cold, warm = (SoftTargetLoss(REGRESSION, temperature)(student, teachers, WEIGHTS) for temperature in (1.0, 5.0))
    assert torch.equal(cold, warm)


@pytest.mark.parametrize("ensemble", ENSEMBLES)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_extreme_logits_in_half_precision_give_finite_losses_and_gradients(ensemble, dtype):
    size = torch.finfo(torch.float16).max
    student = torch.tensor([[size, -size, 0.0], [0.0, size, -math.inf]], dtype=dtype, requires_grad=True)
    teachers = torch.tensor([[[-size, size, 0.0], [1.0, -size, -math.inf]], [[0.0, 0.0, 0.0], [size, 0.0, 0.0]]]).to(
        dtype
    )
    losses = SoftTargetLoss(SINGLE, 2.0, ensemble)(student, teachers, torch.tensor([[0.5, 1.0], [0.5, 0.0]]))
    assert losses.dtype == torch.float32 and losses.isfinite().all()
    losses.sum().backward()
    assert student.grad.isfinite().all()


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("tagging", 2.0), "problem must be one of single_label_classification, .* but is 'tagging'"),
        ((SINGLE, 2.0, "mean"), "ensemble must be one of probabilities, logits, per_teacher, but is 'mean'"),
        ((SINGLE, 0.0), "temperature, so it must be above 0, not 0.0"),
        ((SINGLE, math.nan), "temperature, so it must be above 0, not nan"),
        ((SINGLE, math.inf), "temperature, so it must be above 0, not inf"),
    ],
)
def test_soft_target_loss_refuses_unknown_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        SoftTargetLoss(*arguments)


@pytest.mark.parametrize("ensemble", ENSEMBLES)
def test_soft_target_loss_refuses_shapes_that_would_broadcast(ensemble):
    student, teachers = models(SINGLE)
    loss = SoftTargetLoss(SINGLE, 2.0, ensemble)
    with pytest.raises(ValueError, match=r"teacher_logits of shape \[3, 4, 4\].*but got \[3, 1, 4\]"):
        loss(student, teachers[:, :1], WEIGHTS)
    with pytest.raises(ValueError, match=r"teacher_weights of shape \[3, 4\].*but got \[3, 1\]"):
        loss(student, teachers, WEIGHTS[:, :1])


@pytest.mark.parametrize("ensemble", ENSEMBLES)
def test_what_teachers_say_together_is_their_mean_probability_or_their_mean_logit(ensemble):
    _, teachers = models(SINGLE)
    found = joint_logits(SINGLE, ensemble, teachers, WEIGHTS).numpy()
    weights, logits = WEIGHTS.numpy(), teachers.numpy()
    if ensemble == "logits":
        expected = scipy.special.softmax(np.einsum("krc,kr->rc", logits, weights), axis=-1)
    else:
        expected = np.einsum("krc,kr->rc", scipy.special.softmax(logits, axis=-1), weights)
    np.testing.assert_allclose(scipy.special.softmax(found, axis=-1), expected, rtol=1e-12)


@pytest.mark.parametrize("ensemble", ENSEMBLES)
def test_what_teachers_say_together_of_several_labels_is_one_log_odds_per_label(ensemble):
    _, teachers = models(MULTI)
    found = joint_logits(MULTI, ensemble, teachers, WEIGHTS).numpy()
    weights, logits = WEIGHTS.numpy(), teachers.numpy()
    if ensemble == "logits":
        expected = np.einsum("krc,kr->rc", logits, weights)
    else:
        expected = scipy.special.logit(np.einsum("krc,kr->rc", scipy.special.expit(logits), weights))
    np.testing.assert_allclose(found, expected, rtol=1e-9)


@pytest.mark.parametrize("ensemble", ENSEMBLES)
def test_what_teachers_of_a_regression_say_together_is_their_mean(ensemble):
    _, teachers = models(REGRESSION)
    expected = np.einsum("krc,kr->rc", teachers.numpy(), WEIGHTS.numpy())
    np.testing.assert_allclose(joint_logits(REGRESSION, ensemble, teachers, WEIGHTS), expected, rtol=1e-12)


@pytest.mark.parametrize("ensemble", ["probabilities", "logits"])
@pytest.mark.parametrize("problem", PROBLEMS)
def test_the_loss_at_temperature_one_is_the_divergence_from_what_the_teachers_say_together(problem, ensemble):
    student, teachers = models(problem)
    loss = SoftTargetLoss(problem, 1.0, ensemble)
    together = joint_logits(problem, ensemble, teachers, WEIGHTS)
    torch.testing.assert_close(loss(student, teachers, WEIGHTS), loss.divergence(student, together))
