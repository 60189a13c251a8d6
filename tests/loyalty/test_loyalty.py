"""The loyalty formulas against scipy, scikit-learn and their defined answers at the edges."""

import time
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from scipy.special import softmax
from scipy.stats import pearsonr
from sklearn.metrics import accuracy_score

from hf_multiteacher.loyalty import probability as loyalty
from hf_multiteacher.loyalty.probability import (
    label_agreement,
    label_loyalty,
    predicted_labels,
    probability_agreement,
    probability_loyalty,
    regression_loyalty,
)

STUDENT = [[0.7, 0.2, 0.1], [0.1, 0.3, 0.6]]
TEACHER = [[0.5, 0.3, 0.2], [0.1, 0.5, 0.4]]


def logits(rows: int, classes: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 3, (rows, classes))


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


def test_label_loyalty_is_scikit_learn_accuracy_against_the_teacher():
    generator = np.random.default_rng(0)
    student, teacher = generator.integers(5, size=1000), generator.integers(5, size=1000)
    assert label_loyalty(student, teacher) == pytest.approx(accuracy_score(teacher, student), abs=1e-12)


@pytest.mark.parametrize(("centre", "scale"), [(0, 1), (1e6, 1), (0, 1e-200), (0, 1e200)])
def test_regression_loyalty_is_scipy_pearsonr(centre, scale):
    generator = np.random.default_rng(0)
    teacher = generator.normal(size=100_000)
    student = centre + scale * (teacher + generator.normal(size=100_000))
    expected = pearsonr(teacher, student).statistic
    assert regression_loyalty(student, teacher) == pytest.approx(expected, abs=1e-12)


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


def test_full_agreement_of_labels_and_outputs_is_exactly_one():
    values = np.random.default_rng(0).normal(5, 0.1, 100_003)
    assert label_loyalty([3, 0, 1], [3, 0, 1]) == 1.0
    assert regression_loyalty(values, values.copy()) == 1.0
    assert regression_loyalty(-values, values) == -1.0


def test_rounding_never_takes_a_correlation_above_one():
    teacher = np.random.default_rng(0).normal(size=50)
    assert regression_loyalty(3 * teacher + 1, teacher) == 1.0


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


def test_masked_rows_play_no_part_whatever_they_hold():
    student, teacher = np.array([STUDENT, STUDENT]), np.array([TEACHER, TEACHER])
    student[1] = np.nan
    mask = np.array([[True, True], [False, False]])
    assert probability_loyalty(student, teacher, mask=mask) == probability_loyalty(STUDENT, TEACHER)
    outputs = np.array([1.0, 2.0, 4.0, np.nan])
    assert regression_loyalty(outputs, [1, 2, 3, 9], mask=~np.isnan(outputs)) == regression_loyalty(
        [1, 2, 4], [1, 2, 3]
    )


@pytest.mark.parametrize("masked", [False, True])
def test_the_size_of_the_blocks_changes_nothing(monkeypatch, masked):
    student, teacher = logits(1001, 5, 0), logits(1001, 5, 1)
    mask = np.arange(1001) % 3 != 0 if masked else None
    whole = probability_agreement(student, teacher, from_logits=True, mask=mask)
    correlation = regression_loyalty(student[:, 0], teacher[:, 0], mask=mask)
    monkeypatch.setattr(loyalty, "BLOCK_ENTRIES", 64)
    np.testing.assert_array_equal(probability_agreement(student, teacher, from_logits=True, mask=mask), whole)
    assert regression_loyalty(student[:, 0], teacher[:, 0], mask=mask) == pytest.approx(correlation, abs=1e-14)
    assert len(whole) == (1001 if mask is None else mask.sum())


def test_tensors_of_any_kind_are_taken():
    import torch

    student, teacher = torch.tensor(STUDENT, requires_grad=True), torch.tensor(TEACHER)
    assert probability_loyalty(student, teacher) == pytest.approx(probability_loyalty(STUDENT, TEACHER), abs=1e-7)
    halves = student.to(torch.bfloat16), teacher.to(torch.bfloat16)
    assert probability_loyalty(*halves) == pytest.approx(probability_loyalty(STUDENT, TEACHER), abs=1e-2)
    assert label_loyalty(torch.tensor([1, 2]), torch.tensor([1, 3])) == 0.5


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


@pytest.mark.parametrize(
    ("function", "student", "teacher", "message"),
    [
        (label_loyalty, [0.0, 1.0], [0, 1], "integers, but the student's are float64"),
        (label_loyalty, [], [], "no row counts"),
        (label_loyalty, [-100], [1], "no row counts"),
        (label_loyalty, [1, 2], [1], "shape"),
        (probability_loyalty, [0.5, 0.5], [0.5, 0.5], "classes"),
        (probability_loyalty, [], [], "no row counts: the input is empty"),
        (probability_loyalty, np.empty((0, 3)), np.empty((0, 3)), "no row counts"),
        (probability_loyalty, np.empty((3, 0)), np.empty((3, 0)), "classes"),
        (regression_loyalty, [1.0, 1.0, 1.0], [1, 2, 3], "student's 3 outputs are all 1"),
        (regression_loyalty, [1, 2, 3], [0.1 + 0.2, 0.3, 0.3], "teacher's 3 outputs are all 0.3"),
        (regression_loyalty, [1.0, np.nan], [1, 2], "finite"),
        (regression_loyalty, [1.0, 2.0], [np.inf, 2], "finite"),
        (regression_loyalty, [1.0], [1.0], "at least two rows"),
        (regression_loyalty, [], [], "at least two rows"),
        (regression_loyalty, [[1.0, 2.0]], [[1.0, 2.0]], "one output per row"),
    ],
)
def test_input_without_an_answer_is_a_clear_error(function, student, teacher, message):
    with pytest.raises(ValueError, match=message):
        function(student, teacher)


@pytest.mark.parametrize("values", [None, ["PER", "LOC"]])
def test_what_is_not_a_number_is_refused(values):
    with pytest.raises(TypeError, match="expects numbers"):
        label_loyalty(values, [0, 1])


def test_a_regression_head_of_one_column_is_taken_as_it_is():
    assert regression_loyalty([[1], [2], [4]], [[1], [2], [3]]) == regression_loyalty([1, 2, 4], [1, 2, 3])


def test_a_million_rows_need_no_second_copy():
    student, teacher = (softmax(logits(1_000_000, 4, seed), axis=1) for seed in (0, 1))
    tracemalloc.start()
    probability_loyalty(student, teacher)
    regression_loyalty(student[:, 0], teacher[:, 0])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.35 * (student.nbytes + teacher.nbytes)


def test_a_cut_through_three_axes_is_copied_once():
    student, teacher = (logits(400_000, 4, seed).reshape(100, 4000, 4)[:, 1:] for seed in (0, 1))
    tracemalloc.start()
    probability_loyalty(student, teacher, from_logits=True)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.35 * (student.nbytes + teacher.nbytes)


@pytest.mark.slow
def test_ten_million_rows_take_under_three_seconds():
    student, teacher = (np.random.default_rng(seed).random((10_000_000, 4), np.float32) for seed in (0, 1))
    student /= student.sum(axis=1, keepdims=True)
    teacher /= teacher.sum(axis=1, keepdims=True)
    start = time.perf_counter()
    probability_loyalty(student, teacher)
    assert time.perf_counter() - start < 3
