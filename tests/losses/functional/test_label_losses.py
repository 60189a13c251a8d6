import pytest
import torch
from torch.nn import functional as F

from helpers.formulas import gradient_of, normal
from hf_multiteacher.losses import functional


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.6])
def test_cross_entropy_is_that_of_the_label_smoother(smoothing):
    from transformers.trainer_pt_utils import LabelSmoother

    logits, labels = normal(7, 5, dtype=torch.float32), torch.tensor([0, 4, -100, 2, 2, -100, 1])
    expected = LabelSmoother(epsilon=smoothing)({"logits": logits}, labels)
    losses = functional.cross_entropy(logits, labels, smoothing)
    torch.testing.assert_close(losses.sum() / 5, expected)
    torch.testing.assert_close(
        functional.cross_entropy(logits[:1], labels[:1]), F.cross_entropy(logits[:1], labels[:1])[None]
    )


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_a_row_labelled_minus_100_costs_nothing_and_has_no_gradient(smoothing):
    labels = torch.tensor([-100, 1])
    losses = functional.cross_entropy(normal(2, 3), labels, smoothing)
    assert losses[0] == 0 and losses[1] > 0
    gradient = gradient_of(lambda logits: functional.cross_entropy(logits, labels, smoothing), normal(2, 3))
    assert gradient[0].abs().max() == 0 and gradient[1].abs().max() > 0


def test_binary_cross_entropy_is_torchs_averaged_over_the_labels():
    logits, labels = normal(6, 4), (normal(6, 4, seed=1) > 0).double()
    expected = F.binary_cross_entropy_with_logits(logits, labels, reduction="none").mean(-1)
    torch.testing.assert_close(functional.binary_cross_entropy(logits, labels), expected)
    with pytest.raises(ValueError, match="one shape"):
        functional.binary_cross_entropy(logits, labels[:, :1])


def test_a_label_of_minus_100_among_several_has_no_part_in_their_mean():
    logits, labels = normal(1, 2), torch.tensor([[1.0, -100.0]])
    expected = F.binary_cross_entropy_with_logits(logits[:, :1], labels[:, :1].double())
    torch.testing.assert_close(functional.binary_cross_entropy(logits, labels), expected[None])
    gradient = gradient_of(lambda values: functional.binary_cross_entropy(values, labels), logits)
    assert gradient[0, 0] != 0 and gradient[0, 1] == 0


def test_a_row_without_any_label_costs_nothing():
    losses = functional.binary_cross_entropy(normal(2, 3), torch.tensor([[-100.0] * 3, [0.0, 1.0, -100.0]]))
    assert losses[0] == 0 and losses[1] > 0


def test_labels_that_are_all_there_give_the_mean_bit_for_bit():
    logits, labels = normal(50, 7, dtype=torch.float32), (normal(50, 7, seed=1) > 0).float()
    yes, no = (torch.log_softmax(torch.stack([logits, 0 * logits], -1), -1)).unbind(-1)
    expected = (-(labels * yes + (1 - labels) * no)).mean(-1)
    assert torch.equal(functional.binary_cross_entropy(logits, labels), expected)
