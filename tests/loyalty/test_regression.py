"""Regression loyalty against scipy."""

import numpy as np
import pytest
from scipy.stats import pearsonr

from hf_multiteacher.loyalty.regression import regression_loyalty


@pytest.mark.parametrize(("centre", "scale"), [(0, 1), (1e6, 1), (0, 1e-200), (0, 1e200)])
def test_regression_loyalty_is_scipy_pearsonr(centre, scale):
    generator = np.random.default_rng(0)
    teacher = generator.normal(size=100_000)
    student = centre + scale * (teacher + generator.normal(size=100_000))
    expected = pearsonr(teacher, student).statistic
    assert regression_loyalty(student, teacher) == pytest.approx(expected, abs=1e-12)


def test_rounding_never_takes_a_correlation_above_one():
    teacher = np.random.default_rng(0).normal(size=50)
    assert regression_loyalty(3 * teacher + 1, teacher) == 1.0


def test_a_regression_head_of_one_column_is_taken_as_it_is():
    assert regression_loyalty([[1], [2], [4]], [[1], [2], [3]]) == regression_loyalty([1, 2, 4], [1, 2, 3])
