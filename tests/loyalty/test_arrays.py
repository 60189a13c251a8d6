"""What all figures share: arrays of any kind, masks, blocks, and inputs without an answer."""

import tracemalloc

import numpy as np
import pytest
from scipy.special import softmax

from helpers.scores import STUDENT, TEACHER, logits
from hf_multiteacher.loyalty import arrays, probability
from hf_multiteacher.loyalty.label import label_loyalty
from hf_multiteacher.loyalty.probability import probability_agreement, probability_loyalty
from hf_multiteacher.loyalty.regression import regression_loyalty


def test_full_agreement_of_labels_and_outputs_is_exactly_one():
    values = np.random.default_rng(0).normal(5, 0.1, 100_003)
    assert label_loyalty([3, 0, 1], [3, 0, 1]) == 1.0
    assert regression_loyalty(values, values.copy()) == 1.0
    assert regression_loyalty(-values, values) == -1.0


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
    monkeypatch.setattr(arrays, "BLOCK_ENTRIES", 64)
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
def test_ten_million_rows_are_worked_through_class_by_class_in_blocks_that_stay_in_the_cache(monkeypatch):
    rows = 10_000_000
    student = teacher = np.broadcast_to(np.float32(0.25), (rows, 4))
    taken = []

    def noting(scores, *arguments):
        values = distributions(scores, *arguments)
        taken.append((scores.size, values.shape, values.flags.c_contiguous, values.dtype))
        return values

    distributions = probability._distributions
    monkeypatch.setattr(probability, "_distributions", noting)
    assert probability_loyalty(student, teacher) == 1.0

    block_rows = arrays.BLOCK_ENTRIES // 4
    assert arrays.BLOCK_ENTRIES * 8 <= 1 << 18  # a block in float64 and its like fit into a processor's cache
    assert len(taken) == 2 * -(-rows // block_rows)
    assert set(taken[:-2]) == {(arrays.BLOCK_ENTRIES, (4, block_rows), True, np.dtype(np.float64))}
