"""Label loyalty against scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score

from helpers.scores import logits
from hf_multiteacher.loyalty.label import cohen_kappa, label_agreement, label_loyalty, predicted_labels


def test_label_loyalty_is_scikit_learn_accuracy_against_the_teacher():
    generator = np.random.default_rng(0)
    student, teacher = generator.integers(5, size=1000), generator.integers(5, size=1000)
    assert label_loyalty(student, teacher) == pytest.approx(accuracy_score(teacher, student), abs=1e-12)


def test_predicted_labels_are_the_argmax_with_the_first_of_equal_ones():
    scores = logits(1000, 300, 0)
    np.testing.assert_array_equal(predicted_labels(scores), scores.argmax(axis=1))
    assert predicted_labels([[0.5, 0.5]]).tolist() == [0]
    assert predicted_labels(scores[:4].reshape(2, 2, 300), mask=[[True, False], [False, True]]).tolist() == [
        scores[0].argmax(),
        scores[3].argmax(),
    ]


def test_minus_100_on_either_side_leaves_a_label_out():
    assert label_agreement([1, -100, 2, -100], [1, 1, -100, -100]).tolist() == [True]
    assert label_agreement([[1, 2], [3, 4]], [[1, 0], [3, 4]], mask=[[True, True], [False, True]]).tolist() == [
        True,
        False,
        True,
    ]
    assert label_agreement(np.array([1, 2], np.uint8), np.array([1, 3], np.uint8)).tolist() == [True, False]


@pytest.mark.filterwarnings("error")
def test_kappa_is_not_a_number_where_only_one_class_occurs():
    assert np.isnan(cohen_kappa([2, 2], [2, 2]))
    assert cohen_kappa([2, 2], [3, 3]) == 0.0
