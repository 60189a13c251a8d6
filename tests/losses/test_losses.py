import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from helpers.models import tiny_bert
from hf_multiteacher.losses import functional
from hf_multiteacher.losses.soft_target import (
    HardLabelLoss,
    HiddenStateLoss,
    SoftTargetLoss,
    gold_error,
    prediction_entropy,
    shared_spans,
    token_spans,
)

SINGLE, MULTI, REGRESSION = "single_label_classification", "multi_label_classification", "regression"
PROBLEMS = [SINGLE, MULTI, REGRESSION]
ENSEMBLES = ["probabilities", "logits", "per_teacher"]
CLASSES = {SINGLE: 4, MULTI: 4, REGRESSION: 1}
WEIGHTS = torch.tensor([[0.5, 1, 0.2, 0], [0.3, 0, 0.7, 0.6], [0.2, 0, 0.1, 0.4]], dtype=torch.float64)


def normal(*shape, seed=0, dtype=torch.float64):
    return (2 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)).to(dtype)


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


# Soft targets


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


# Hard labels


@pytest.mark.parametrize(
    "problem, labels",
    [
        (SINGLE, torch.tensor([0, 3, 1])),
        (MULTI, torch.tensor([[0.0, 1, 1, 0], [1, 1, 1, 0], [0, 0, 0, 0]])),
        (REGRESSION, torch.tensor([0.3, 4.0, -100.0])),
    ],
)
def test_the_mean_of_the_hard_label_loss_is_the_loss_of_a_transformers_model(problem, labels):
    model = tiny_bert("SequenceClassification", num_labels=CLASSES[problem], problem_type=problem).eval()
    with torch.no_grad():
        outputs = model(input_ids=torch.arange(15).view(3, 5), labels=labels)
    torch.testing.assert_close(HardLabelLoss(problem)(outputs.logits, labels).mean(), outputs.loss)


def test_hard_label_loss_smooths_single_labels_only():
    logits, labels = normal(3, 4), torch.tensor([0, 3, -100])
    expected = F.cross_entropy(logits, labels, label_smoothing=0.1, reduction="none")
    torch.testing.assert_close(HardLabelLoss(SINGLE, 0.1)(logits, labels), expected)
    for problem in (MULTI, REGRESSION):
        with pytest.raises(ValueError, match=f"which {problem} does not have"):
            HardLabelLoss(problem, 0.1)
    for smoothing in (-0.1, 1.0, math.nan):
        with pytest.raises(ValueError, match=r"label_smoothing in \[0, 1\)"):
            HardLabelLoss(SINGLE, smoothing)
    with pytest.raises(ValueError, match="problem must be one of"):
        HardLabelLoss("tagging")


# What weights are made of


def test_gold_error_sums_over_labels():
    student, _ = models(SINGLE)
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


# Hidden states


def hidden_states(layers, length, size, seed=0, batch=2):
    return tuple(normal(batch, length, size, seed=100 * seed + layer) for layer in range(layers + 1))


def hidden_state_loss(layer_map, student_size=6, student_layers=2, teacher_sizes=(6, 4), teacher_layers=(4, 3)):
    torch.manual_seed(0)
    return HiddenStateLoss(
        layer_map,
        student_size=student_size,
        student_layers=student_layers,
        teacher_sizes=teacher_sizes,
        teacher_layers=teacher_layers,
    ).double()


STUDENT_SPANS = torch.tensor([[-1, 0, 0, 1, 2, -1], [-1, 0, 2, 2, -1, -1]])
TEACHER_SPANS = torch.tensor([[-1, 0, 2, 2, 3, 3, -1], [-1, 0, 0, 1, 2, 2, 2]])
SHARED = [(0, 0), (0, 2), (1, 0), (1, 2)]


def test_hidden_states_of_one_encoding_are_compared_token_by_token_where_there_is_no_padding():
    mask = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]])
    student, teacher = hidden_states(2, 5, 6), hidden_states(4, 5, 6, seed=1)
    spans = token_spans(mask)
    found = hidden_state_loss({2: -2})(student, teacher, 0, spans, spans)
    expected = 1 - F.cosine_similarity(student[2][mask.bool()], teacher[3][mask.bool()])
    torch.testing.assert_close(found, expected)
    assert shared_spans(spans, spans).sum() == len(found) == 8
    assert hidden_state_loss({1: 1, 2: 2})(student, student + teacher[:2], 0, spans, spans).abs().max() < 1e-12


@pytest.mark.parametrize("teacher", [0, 1])
def test_hidden_states_of_two_encodings_are_compared_by_their_means_over_shared_spans(teacher):
    loss = hidden_state_loss({0: 0, 1: 2, -1: -1})
    student = hidden_states(2, 6, 6)
    states = hidden_states((4, 3)[teacher], 7, (6, 4)[teacher], seed=1)
    found = loss(student, states, teacher, STUDENT_SPANS, TEACHER_SPANS)
    expected = []
    for example, span in SHARED:
        distances = []
        for pair, (own, other) in enumerate([(0, 0), (1, 2), (2, (4, 3)[teacher])]):
            first = student[own][example, STUDENT_SPANS[example] == span].mean(0)
            second = states[other][example, TEACHER_SPANS[example] == span].mean(0)
            projected = loss.projections[1][pair].weight @ first if teacher else first
            distances.append(1 - projected @ second / (projected.norm() * second.norm()))
        expected.append(sum(distances) / 3)
    torch.testing.assert_close(found, torch.stack(expected))


def test_the_rows_of_the_hidden_state_loss_are_known_before_any_forward():
    shared = shared_spans(STUDENT_SPANS, TEACHER_SPANS)
    assert shared.nonzero().tolist() == [list(row) for row in SHARED]
    assert torch.equal(shared, shared_spans(TEACHER_SPANS, STUDENT_SPANS))


def test_padding_on_either_side_changes_nothing():
    loss = hidden_state_loss({1: 1})
    student, teacher = hidden_states(2, 6, 6), hidden_states(4, 7, 6, seed=1)
    found = loss(student, teacher, 0, STUDENT_SPANS, TEACHER_SPANS)
    longer = [[F.pad(states, (0, 0, 0, 3), value=9.0) for states in side] for side in (student, teacher)]
    spans = [F.pad(side, (0, 3), value=-1) for side in (STUDENT_SPANS, TEACHER_SPANS)]
    torch.testing.assert_close(loss(*longer, 0, *spans), found)


def test_only_teachers_of_another_size_have_projections_one_per_layer_pair():
    loss = hidden_state_loss({1: 2, 2: 3})
    shapes = {name: list(parameter.shape) for name, parameter in loss.named_parameters()}
    assert shapes == {"projections.1.0.weight": [4, 6], "projections.1.1.weight": [4, 6]}


def test_every_projection_and_the_student_get_gradients_also_from_a_batch_without_rows():
    loss = hidden_state_loss({1: 2, 2: 3})
    teacher = hidden_states(3, 7, 4, seed=1)
    for spans, moves in ((TEACHER_SPANS, True), (torch.full((2, 7), -1), False)):
        loss.zero_grad()
        student = tuple(states.requires_grad_() for states in hidden_states(2, 6, 6))
        distances = loss(student, teacher, 1, STUDENT_SPANS, spans)
        assert (len(distances) > 0) == moves
        distances.sum().backward()
        gradients = [parameter.grad for parameter in loss.parameters()] + [states.grad for states in student[1:]]
        assert [bool(gradient.any()) for gradient in gradients] == [moves] * 4


def test_hidden_states_in_half_precision_are_compared_in_float32():
    loss = hidden_state_loss({1: 2}).float()
    student, teacher = hidden_states(2, 6, 6), hidden_states(3, 7, 4, seed=1)
    halves = [[states.bfloat16() for states in side] for side in (student, teacher)]
    found = loss(*halves, 1, STUDENT_SPANS, TEACHER_SPANS)
    rounded = [[states.float() for states in side] for side in halves]
    assert found.dtype == torch.float32
    assert torch.equal(found, loss(*rounded, 1, STUDENT_SPANS, TEACHER_SPANS))


@pytest.mark.parametrize(
    "layer_map, message",
    [
        ({}, "layer_map is empty"),
        (
            {3: 1},
            r"names the hidden states \[3\] of the student, which has 2 layers.* 0 \(embeddings\) to 2, .* to -3",
        ),
        ({-4: 1}, r"\[-4\] of the student"),
        ({1: 4}, r"\[4\] of teacher 1, which has 3 layers"),
        ({0: 0, 1: -5, 2: -6}, r"\[-6\] of teacher 0, which has 4 layers"),
    ],
)
def test_a_layer_map_that_names_a_layer_that_is_not_there_is_refused(layer_map, message):
    with pytest.raises(ValueError, match=message):
        hidden_state_loss(layer_map)


def test_every_hidden_state_that_is_there_can_be_named():
    hidden_state_loss({0: 0, 2: 3, -1: -1, -3: -4})
