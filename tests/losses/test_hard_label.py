import math

import pytest
import torch
from torch.nn import functional as F

from helpers.formulas import CLASSES, MULTI, REGRESSION, SINGLE, normal
from helpers.models import tiny_bert
from hf_multiteacher.losses.hard_label import HardLabelLoss


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
