import pytest
import torch
from torch.nn import functional as F

from helpers.formulas import gradient_of, normal
from hf_multiteacher.losses import functional


def test_mean_over_spans_averages_the_tokens_of_each_span_of_each_example():
    hidden = normal(3, 5, 4)
    spans = torch.tensor([[-1, 0, 0, 2, -1], [1, 1, 1, 0, 3], [-1, -1, -1, -1, -1]])
    means, valid = functional.mean_over_spans(hidden, spans, 4)
    assert means.shape == (3, 4, 4)
    for example in range(3):
        for span in range(4):
            members = hidden[example, spans[example] == span]
            assert valid[example, span] == (len(members) > 0)
            expected = members.mean(dim=0) if len(members) else torch.zeros(4).double()
            torch.testing.assert_close(means[example, span], expected)


def test_the_mean_over_a_span_of_one_token_is_that_token_bit_for_bit():
    hidden = normal(2, 5, 4, dtype=torch.float32)
    means, valid = functional.mean_over_spans(hidden, torch.arange(5).expand(2, 5), 5)
    assert torch.equal(means, hidden) and valid.all()


def test_the_tokens_of_each_span_of_each_example_are_counted():
    spans = torch.tensor([[-1, 0, 0, 2, -1], [1, 1, 1, 0, 3], [-1, -1, -1, -1, -1]])
    counts = functional.tokens_per_span(spans, 4)
    assert counts.tolist() == [[2, 0, 1, 0], [1, 3, 0, 1], [0, 0, 0, 0]]


def test_spans_are_as_many_as_the_higher_id_of_the_two_sides_says():
    low, high, none = torch.tensor([[0, 1, -1]]), torch.tensor([[-1, 4]]), torch.tensor([[-1, -1]])
    assert functional.count_spans(low, high) == functional.count_spans(high, low) == 5
    assert functional.count_spans(none, none) == 0


def test_cosine_distance_is_one_minus_torchs_similarity():
    first, second = normal(6, 8, seed=1), normal(6, 8, seed=2)
    expected = 1 - F.cosine_similarity(first, second)
    torch.testing.assert_close(functional.cosine_distance(first, second), expected)
    torch.testing.assert_close(functional.cosine_distance(1e-9 * first, 1e9 * second), expected)
    assert functional.cosine_distance(first, 5 * first).abs().max() < 1e-12
    torch.testing.assert_close(functional.cosine_distance(first, -first), torch.full((6,), 2.0).double())
    with pytest.raises(ValueError, match="one shape"):
        functional.cosine_distance(first, second[:1])


def test_a_zero_vector_is_at_distance_one_and_gets_no_gradient():
    first = torch.stack([torch.zeros(4), torch.ones(4)])
    for second in (torch.ones(2, 4), torch.zeros(2, 4)):
        assert functional.cosine_distance(first, second)[0] == 1
        gradients = gradient_of(functional.cosine_distance, first, second)
        assert all(gradient.isfinite().all() for gradient in gradients)
        assert gradients[0][0].abs().max() == 0
