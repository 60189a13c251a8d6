from types import SimpleNamespace

import numpy as np
import pytest
import torch

from helpers.models import tiny_bert
from hf_multiteacher.objective.outcomes import Outcomes


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
