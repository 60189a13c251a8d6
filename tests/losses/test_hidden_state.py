import pytest
import torch
from torch.nn import functional as F

from helpers.formulas import normal
from hf_multiteacher.losses.hidden_state import HiddenStateLoss
from hf_multiteacher.objective.row_sets import shared_spans, token_spans


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
