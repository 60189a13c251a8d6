import math

import pytest
import torch
from torch.nn import functional as F

from helpers.formulas import AVAILABLE, MULTI, PROBLEMS, REGRESSION, SINGLE, normal
from hf_multiteacher.losses import functional
from hf_multiteacher.losses.weighting import WEIGHTINGS, gold_error, prediction_entropy

TEACHER_WEIGHTS = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)
LABELS = {
    SINGLE: torch.tensor([0, 3, 1, 2, 2, 0]),
    MULTI: (normal(6, 4, seed=3) > 0).double(),
    REGRESSION: normal(6, seed=3),
}


def teachers_of(problem):
    """Logits of three teachers on six rows."""
    return list(normal(3, 6, 1 if problem == REGRESSION else 4, seed=2))


def weigh(weighting, problem, labels):
    labels = None if labels is None else [labels] * 3
    return WEIGHTINGS[weighting](problem, teachers_of(problem), labels, AVAILABLE, TEACHER_WEIGHTS)


@pytest.mark.parametrize("problem", PROBLEMS)
def test_fixed_weights_are_shared_among_the_teachers_that_have_the_row_whatever_they_say(problem):
    expected = torch.tensor([[0.5, 0.625, 5 / 7, 0, 0, 0], [0.3, 0.375, 0, 1, 0, 0], [0.2, 0, 2 / 7, 0, 1, 0]])
    for labels in (LABELS[problem], None):
        torch.testing.assert_close(weigh("fixed", problem, labels), expected.double())


@pytest.mark.parametrize("problem", PROBLEMS)
def test_confidence_weighs_by_each_teachers_own_error(problem):
    found = weigh("confidence", problem, LABELS[problem])
    errors = [gold_error(problem, logits, LABELS[problem]) for logits in teachers_of(problem)]
    doubt = torch.softmax(torch.stack(errors)[:, 0], dim=0)
    torch.testing.assert_close(found[:, 0], (1 - doubt) / 2)
    assert found.sum(dim=0).tolist() == pytest.approx([1, 1, 1, 1, 1, 0])


@pytest.mark.parametrize("problem", PROBLEMS)
def test_confidence_without_labels_is_fixed(problem):
    assert torch.equal(weigh("confidence", problem, None), weigh("fixed", problem, None))


def test_confidence_uses_the_fixed_weights_on_the_rows_without_a_label():
    labels = LABELS[SINGLE].clone()
    labels[[1, 2]] = -100
    found = weigh("confidence", SINGLE, labels)
    labelled = [0, 3, 4, 5]
    assert torch.equal(found[:, [1, 2]], weigh("fixed", SINGLE, labels)[:, [1, 2]])
    assert torch.equal(found[:, labelled], weigh("confidence", SINGLE, LABELS[SINGLE])[:, labelled])


def test_confidence_leaves_missing_labels_out_where_there_are_several():
    labels = LABELS[MULTI].clone()
    labels[1], labels[2, 3] = -100, -100
    found = weigh("confidence", MULTI, labels)
    assert torch.equal(found[:, 1], weigh("fixed", MULTI, labels)[:, 1])
    fewer = [[logits[:, :3] for logits in teachers_of(MULTI)], [labels[:, :3]] * 3]
    expected = WEIGHTINGS["confidence"](MULTI, *fewer, AVAILABLE, TEACHER_WEIGHTS)
    torch.testing.assert_close(found[:, 2], expected[:, 2])


@pytest.mark.parametrize("problem", [SINGLE, MULTI])
def test_entropy_weighs_by_each_teachers_own_doubt_with_or_without_labels(problem):
    found = weigh("entropy", problem, None)
    entropies = torch.stack([prediction_entropy(problem, logits) for logits in teachers_of(problem)])[:, 0]
    torch.testing.assert_close(found[:, 0], (1 - entropies / entropies.sum()) / 2)
    assert found.sum(dim=0).tolist() == pytest.approx([1, 1, 1, 1, 1, 0])
    assert torch.equal(found, weigh("entropy", problem, LABELS[problem]))


def test_entropy_is_refused_in_regression():
    with pytest.raises(ValueError, match="a regression head gives one number"):
        weigh("entropy", REGRESSION, LABELS[REGRESSION])


def test_gold_error_sums_over_labels():
    student = normal(4, 4, seed=1)
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
