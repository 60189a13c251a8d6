from types import SimpleNamespace

import numpy as np
import pytest
import torch

from helpers.models import tiny_bert
from hf_multiteacher.objective.outcomes import Outcomes
from hf_multiteacher.teachers.shared_labels import SharedLabels


@pytest.fixture
def outcomes():
    """Entries 1 and 2 of the student are entry 3 of the teacher; both models have logits beyond their tokenizers."""
    shared = SimpleNamespace(
        student_outcomes=np.array([0, 1, 1, 2]), teacher_outcomes=np.array([2, 0, 0, 1]), num_outcomes=3
    )
    return Outcomes.between(shared, tiny_bert("MaskedLM", 6), tiny_bert("MaskedLM", 5), torch.device("cpu"))


def test_logits_beyond_the_tokenizer_are_other(outcomes):
    assert outcomes.student.tolist() == [0, 1, 1, 2, 0, 0]
    assert outcomes.teacher.tolist() == [2, 0, 0, 1, 0]


def test_a_tokenizer_may_have_entries_that_its_model_does_not_have():
    shared = SimpleNamespace(student_outcomes=np.arange(8), teacher_outcomes=np.arange(8), num_outcomes=8)
    outcomes = Outcomes.between(shared, tiny_bert("MaskedLM", 6), tiny_bert("MaskedLM", 8), torch.device("cpu"))
    assert outcomes.student.tolist() == [0, 1, 2, 3, 4, 5]


def test_probabilities_of_one_outcome_are_added(outcomes):
    logits = torch.tensor([[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]])
    p = logits.softmax(-1)[0]
    expected = torch.stack([p[0] + p[4] + p[5], p[1] + p[2], p[3]])
    torch.testing.assert_close(outcomes.of_student(logits).exp()[0], expected)
    said = outcomes.of_teacher(logits[:, :5])
    p = logits[0, :5].softmax(-1)
    torch.testing.assert_close(outcomes.shared_mass(said), (p[3] + p[0])[None])


def test_gold_tokens_become_outcomes_and_unlabelled_ones_stay(outcomes):
    assert outcomes.of_labels(torch.tensor([3, 1, -100, 2])).tolist() == [2, 1, -100, 1]


def between_labels(student, teacher, count):
    return Outcomes.between_labels(
        SharedLabels(torch.tensor(student), torch.tensor(teacher), count), torch.device("cpu")
    )


def test_labels_that_only_one_side_knows_are_other_where_both_have_such():
    outcomes = between_labels([0, 1, 0, 2], [2, 0, 1], 3)
    logits = torch.tensor([[1.0, -2.0, 0.5, 3.0]])
    p = logits.softmax(-1)[0]
    torch.testing.assert_close(outcomes.of_student(logits).exp()[0], torch.stack([p[0] + p[2], p[1], p[3]]))
    p = logits[0, :3].softmax(-1)
    torch.testing.assert_close(outcomes.of_teacher(logits[:, :3]).exp()[0], torch.stack([p[1], p[2], p[0]]))


@pytest.mark.parametrize(("student", "teacher"), [([1, 2, 0], [2, 1]), ([1, 2], [2, 1, 0])])
def test_where_one_side_has_no_other_the_shared_labels_are_compared_by_themselves(student, teacher):
    outcomes = between_labels(student, teacher, 3)
    logits = torch.tensor([[1.0, -2.0, 9.0][: len(student)]], requires_grad=True)
    said = torch.tensor([[-2.0, 1.0, 9.0][: len(teacher)]])
    ours, theirs = outcomes.of_student(logits), outcomes.of_teacher(said)
    torch.testing.assert_close(ours[:, 1:].exp(), logits[:, :2].softmax(-1))
    torch.testing.assert_close(ours, theirs)
    ours[0, 1].backward()
    assert logits.grad.isfinite().all() and (logits.grad[0] != 0).tolist() == [True, True, False][: len(student)]
    assert outcomes.of_labels(torch.arange(len(student))).tolist() == student
