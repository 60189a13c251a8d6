"""Probability loyalty against scipy and its defined answers at the edges."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from scipy.special import softmax

from helpers.scores import STUDENT, TEACHER, logits
from hf_multiteacher.loyalty.probability import probability_agreement, probability_loyalty


@pytest.mark.parametrize("classes", [2, 4, 17, 5000])
@pytest.mark.parametrize("base", [None, 2, 10])
def test_probability_agreement_is_one_minus_scipy_jensenshannon_per_row(classes, base):
    student, teacher = (softmax(logits(50, classes, seed), axis=1) for seed in (0, 1))
    expected = 1 - jensenshannon(teacher, student, base, axis=1)
    np.testing.assert_allclose(probability_agreement(student, teacher, base=base), expected, rtol=0, atol=1e-12)


def test_probability_agreement_of_logits_is_that_of_their_softmax():
    student, teacher = logits(50, 6, 0), logits(50, 6, 1)
    expected = 1 - jensenshannon(softmax(teacher, axis=1), softmax(student, axis=1), axis=1)
    np.testing.assert_allclose(probability_agreement(student, teacher, from_logits=True), expected, rtol=0, atol=1e-12)


def test_huge_logits_do_not_overflow():
    assert probability_loyalty([[1e4, 0.0]], [[1e4, -1e4]], from_logits=True) == 1.0
    assert probability_loyalty([[0.0, -np.inf]], [[5.0, -np.inf]], from_logits=True) == 1.0


def test_zero_probabilities_agree_with_scipy():
    student, teacher = [[0.0, 0.5, 0.5], [1.0, 0.0, 0.0]], [[0.5, 0.5, 0.0], [0.2, 0.0, 0.8]]
    expected = 1 - jensenshannon(np.array(teacher), np.array(student), axis=1)
    np.testing.assert_allclose(probability_agreement(student, teacher), expected, rtol=0, atol=1e-12)


def test_the_worked_example_has_the_figures_of_the_card():
    assert probability_loyalty(STUDENT, TEACHER) == pytest.approx(0.850670, abs=5e-7)
    assert probability_loyalty(STUDENT, TEACHER, base=2) == pytest.approx(0.820636, abs=5e-7)


def test_the_root_taken_twice_gives_another_number():
    for base, wrong in ((None, 0.613571), (2, 0.576491)):
        twice = 1 - np.sqrt(jensenshannon(np.array(TEACHER), np.array(STUDENT), base, axis=1))
        assert twice.mean() == pytest.approx(wrong, abs=5e-7)
        assert abs(probability_loyalty(STUDENT, TEACHER, base=base) - wrong) > 0.2


@pytest.mark.parametrize("base", [None, 2])
def test_full_agreement_is_exactly_one(base):
    scores = logits(1000, 7, 0)
    assert probability_loyalty(scores, scores.copy(), from_logits=True, base=base) == 1.0
    probabilities = softmax(scores.astype(np.float32), axis=1)
    assert probability_loyalty(probabilities, probabilities.copy(), base=base) == 1.0


def test_distributions_with_nothing_in_common_give_the_lower_end():
    assert probability_loyalty([[1.0, 0.0]], [[0.0, 1.0]]) == pytest.approx(1 - np.sqrt(np.log(2)), abs=1e-15)
    assert probability_loyalty([[1.0, 0.0]], [[0.0, 1.0]], base=2) == 0.0


def test_a_tiny_difference_is_seen_where_scipy_has_only_rounding_left():
    shift = 1e-9
    agreement = probability_agreement([[0.5 + shift, 0.5 - shift]], [[0.5, 0.5]])
    assert 1 - agreement[0] == pytest.approx(shift / np.sqrt(2), rel=1e-6)


@given(st.lists(st.lists(st.floats(0, 1), min_size=3, max_size=3), min_size=2, max_size=2))
def test_probability_loyalty_is_symmetric_and_in_range(weights):
    student, teacher = (np.array([row]) + 1e-3 for row in weights)
    student, teacher = student / student.sum(), teacher / teacher.sum()
    value = probability_loyalty(student, teacher, base=2)
    assert 0 <= value <= 1
    assert value == pytest.approx(probability_loyalty(teacher, student, base=2), abs=1e-15)


def test_one_class_is_full_agreement():
    assert probability_loyalty([[1.0], [1.0]], [[1.0], [1.0]]) == 1.0
    assert probability_loyalty([[3.0]], [[-7.0]], from_logits=True) == 1.0


def test_rows_of_half_precision_that_sum_to_one_only_roughly_are_divided_by_their_sum():
    student, teacher = (softmax(logits(20, 1000, seed), axis=1).astype(np.float16) for seed in (0, 1))
    expected = 1 - jensenshannon(teacher.astype(float), student.astype(float), axis=1).mean()
    assert probability_loyalty(student, teacher) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("student", "options", "message"),
    [
        ([[2.0, -1.0]], {}, "row 0 of the student's is .* from_logits=True"),
        ([[0.2, 0.2]], {}, "sum to 1"),
        ([[1.5, -0.5]], {}, "sum to 1"),
        ([[np.nan, 1.0]], {}, "sum to 1"),
        ([[np.nan, 1.0]], {"from_logits": True}, "finite logits"),
        ([[np.inf, 1.0]], {"from_logits": True}, "finite logits"),
        ([[0.5, 0.25, 0.25]], {}, r"shape \(1, 3\) and the teacher's \(1, 2\)"),
        ([[0.5, 0.5]], {"base": 1}, "base above 1"),
        ([[0.5, 0.5]], {"base": float("nan")}, "base above 1"),
        ([[0.5, 0.5]], {"base": "e"}, "base above 1, but got base='e'"),
        ([[0.5, 0.5]], {"mask": [1]}, "mask expects booleans"),
        ([[0.5, 0.5]], {"mask": [True, True]}, r"shape \(1,\)"),
        ([[0.5, 0.5]], {"mask": [False]}, "no row counts"),
        ([[0.5, 0.5], [0.5]], {}, "differ in length"),
    ],
)
def test_a_wrong_distribution_is_a_clear_error(student, options, message):
    with pytest.raises(ValueError, match=message):
        probability_loyalty(student, [[0.5, 0.5]], **options)


def test_the_error_names_the_row_behind_the_first_block():
    student = np.full((40_000, 2), 0.5)
    student[35_000] = 0.9
    with pytest.raises(ValueError, match="row 35000 of the student's"):
        probability_loyalty(student, np.full((40_000, 2), 0.5))
