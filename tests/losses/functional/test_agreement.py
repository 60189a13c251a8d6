import numpy as np
import pytest
import torch
from scipy.spatial.distance import jensenshannon

from hf_multiteacher import loyalty
from hf_multiteacher.losses.functional import agreement, jensen_shannon_distance, label_and_probability_agreement


@pytest.mark.parametrize("entries", [1, 40, 1 << 20])
def test_rows_agree_as_loyalty_says_whatever_the_chunks(entries, monkeypatch):
    monkeypatch.setattr(agreement, "CHUNK_ENTRIES", entries)
    torch.manual_seed(0)
    student, teacher = 3 * torch.randn(2, 11, 7)
    teacher[0], teacher[1] = student[0], student[1] + 1e-4 * torch.randn(7)
    student[2, 3] = -torch.inf
    same, near = label_and_probability_agreement(student, teacher)
    expected = loyalty.probability_agreement(student, teacher, from_logits=True)
    assert torch.equal(same.bool(), student.argmax(-1) == teacher.argmax(-1)) and not same.bool().all()
    np.testing.assert_allclose(near.numpy(), expected, atol=1e-12)
    assert near[0] == 1


def test_the_distance_is_scipys():
    p, q = np.random.default_rng(0).dirichlet(np.ones(5), (2, 9))
    p[0], q[0] = [1, 0, 0, 0, 0], [0, 1, 0, 0, 0]
    ours = jensen_shannon_distance(torch.tensor(p), torch.tensor(q))
    np.testing.assert_allclose(ours.numpy(), [jensenshannon(*pair) for pair in zip(p, q, strict=True)], rtol=1e-9)


def test_a_row_without_a_distribution_has_no_figure_and_the_others_keep_theirs():
    student = torch.tensor([[1.0, 2.0], [torch.nan, 0.0], [torch.inf, 0.0]])
    same, near = label_and_probability_agreement(student, torch.zeros(3, 2))
    assert same.isnan().tolist() == near.isnan().tolist() == [False, True, True]


def test_a_large_vocabulary_needs_little_more_room_than_its_logits(monkeypatch):
    sizes = []
    monkeypatch.setattr(agreement, "_distributions", lambda logits: sizes.append(logits.numel()) or logits.softmax(-1))
    label_and_probability_agreement(torch.randn(20, 250_000), torch.randn(20, 250_000))
    assert max(sizes) <= agreement.CHUNK_ENTRIES and sum(sizes) == 2 * 20 * 250_000
