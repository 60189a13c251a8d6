import pytest
import torch
from torch.nn import functional as F

from helpers.formulas import normal
from hf_multiteacher.losses.relation import RelationLoss
from hf_multiteacher.objective.row_sets import shared_spans

STUDENT_SPANS = torch.tensor([[-1, 0, 0, 1, 2, -1], [-1, 0, 2, 2, -1, -1], [3, -1, -1, -1, -1, -1]])
TEACHER_SPANS = torch.tensor([[-1, 0, 2, 2, 3, 3, -1], [-1, 0, 0, 1, 2, 2, 2], [3, 3, -1, -1, 0, -1, -1]])
SHARED = [(0, 0), (0, 2), (1, 0), (1, 2), (2, 3)]


def hidden_states(layers, length, size, seed=0):
    return tuple(normal(3, length, size, seed=100 * seed + layer) for layer in range(layers + 1))


def relation_loss(layer_map, heads=2, teacher_sizes=(6, 4)):
    return RelationLoss(
        layer_map, heads, student_size=6, student_layers=2, teacher_sizes=teacher_sizes, teacher_layers=(4, 3)
    )


def relations(states, spans, example, span, head, heads):
    """log softmax of scaled products of one piece of a span's mean with those of all shared spans of its example."""
    width = states.shape[-1] // heads
    shared = [other for which, other in SHARED if which == example]
    means = {other: states[example, spans[example] == other].mean(0) for other in shared}
    pieces = {other: mean[head * width : (head + 1) * width] for other, mean in means.items()}
    products = [sum(a * b for a, b in zip(pieces[span], pieces[other], strict=True)) for other in shared]
    return F.log_softmax(torch.stack(products) / width**0.5, dim=0)


@pytest.mark.parametrize("size", [6, 4])
@pytest.mark.parametrize("heads", [1, 2])
def test_relations_over_spans_equal_a_loop_over_spans_and_heads(size, heads):
    student, teacher = hidden_states(2, 6, 6), hidden_states(3, 7, size, seed=1)
    found = relation_loss({1: 2, -1: -1}, heads)(student, teacher, STUDENT_SPANS, TEACHER_SPANS)
    expected = []
    for example, span in SHARED:
        values = []
        for ours, theirs in ((1, 2), (2, 3)):
            for head in range(heads):
                p = relations(teacher[theirs], TEACHER_SPANS, example, span, head, heads)
                q = relations(student[ours], STUDENT_SPANS, example, span, head, heads)
                values.append((p.exp() * (p - q)).sum())
        expected.append(torch.stack(values).mean())
    torch.testing.assert_close(found, torch.stack(expected))
    assert found.max() > 0.1
    assert found[-1] == 0  # alone in its example


def test_a_teacher_that_relates_the_spans_alike_costs_nothing_and_widths_do_not_matter():
    student = hidden_states(2, 6, 6)
    wide = [torch.cat([state, -state, state], dim=-1) for state in student]
    turned = [state.flip(-1) / 3**0.25 for state in wide]
    loss = RelationLoss({2: 2}, 1, student_size=6, student_layers=2, teacher_sizes=[18], teacher_layers=[2])
    found = loss(student, turned, STUDENT_SPANS, STUDENT_SPANS)
    assert len(found) == 6
    assert found.abs().max() < 1e-12


def test_rows_are_known_before_any_forward_and_padding_changes_nothing():
    loss = relation_loss({1: 1})
    student, teacher = hidden_states(2, 6, 6), hidden_states(3, 7, 6, seed=1)
    found = loss(student, teacher, STUDENT_SPANS, TEACHER_SPANS)
    shared = shared_spans(STUDENT_SPANS, TEACHER_SPANS)
    assert shared.nonzero().tolist() == [list(row) for row in SHARED]
    longer = [[F.pad(states, (0, 0, 0, 3), value=9.0) for states in side] for side in (student, teacher)]
    spans = [F.pad(side, (0, 3), value=-1) for side in (STUDENT_SPANS, TEACHER_SPANS)]
    rows = F.pad(shared, (0, 4)).flatten().nonzero().squeeze(1)
    torch.testing.assert_close(loss(*longer, *spans, 8, rows), found)


def test_gradients_are_finite_where_an_example_has_no_span_at_all():
    spans = STUDENT_SPANS.clone()
    spans[1] = -1
    student = [states.requires_grad_() for states in hidden_states(2, 6, 6)]
    found = relation_loss({1: 1})(student, hidden_states(3, 7, 6, seed=1), spans, TEACHER_SPANS)
    found.sum().backward()
    assert len(found) == 3
    assert student[1].grad.isfinite().all() and student[1].grad[0].any() and not student[1].grad[1].any()


def test_states_in_half_precision_are_related_in_float32():
    student, teacher = hidden_states(2, 6, 6), hidden_states(3, 7, 4, seed=1)
    halves = [[states.bfloat16() for states in side] for side in (student, teacher)]
    rounded = [[states.float() for states in side] for side in halves]
    found = relation_loss({1: 2})(*halves, STUDENT_SPANS, TEACHER_SPANS)
    assert found.dtype == torch.float32
    assert torch.equal(found, relation_loss({1: 2})(*rounded, STUDENT_SPANS, TEACHER_SPANS))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (({}, 2), "layer_map is empty"),
        (({1: 4}, 2), r"\[4\] of teacher 1, which has 3 layers"),
        (({1: 1}, 4), r"hidden size of the student, 6, is no multiple of 4\. Choose .* all of \[6, 6, 4\]"),
        (({1: 1}, 3), "hidden size of teacher 1, 4, is no multiple of 3"),
    ],
)
def test_layers_that_are_not_there_and_pieces_of_unequal_size_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        relation_loss(*arguments)
