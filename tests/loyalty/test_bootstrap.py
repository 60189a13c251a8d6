"""Bootstrap intervals against scipy."""

import tracemalloc

import numpy as np
import pytest
import scipy.stats

from helpers.scores import close_distributions
from hf_multiteacher.loyalty import bootstrap
from hf_multiteacher.loyalty.bootstrap import bootstrap_interval
from hf_multiteacher.loyalty.probability import probability_agreement
from hf_multiteacher.loyalty.regression import regression_loyalty
from hf_multiteacher.loyalty.report import regression_report

STUDENT, TEACHER = close_distributions()
STUDENT_LABELS, TEACHER_LABELS = STUDENT.argmax(axis=1), TEACHER.argmax(axis=1)


def scipy_interval(data, statistic):
    result = scipy.stats.bootstrap(
        data, statistic, paired=True, n_resamples=20_000, confidence_level=0.9, method="percentile", batch=1000
    )
    return list(result.confidence_interval)


def test_the_interval_of_a_mean_is_scipys():
    rows = probability_agreement(STUDENT, TEACHER)
    interval = bootstrap_interval(rows, 0.9, bootstrap_samples=20_000)
    np.testing.assert_allclose(interval, scipy_interval((rows,), np.mean), atol=5e-4)


def test_the_interval_of_label_loyalty_is_scipys():
    rows = STUDENT_LABELS == TEACHER_LABELS
    expected = scipy_interval((rows.astype(float),), np.mean)
    np.testing.assert_allclose(bootstrap_interval(rows, 0.9, bootstrap_samples=20_000), expected, atol=5e-3)


def test_the_interval_of_regression_loyalty_is_scipys():
    x, y = STUDENT[:, 0], TEACHER[:, 0]
    report = regression_report(x, y, confidence_level=0.9, bootstrap_samples=20_000)
    expected = scipy_interval((x, y), lambda x, y, axis: scipy.stats.pearsonr(x, y, axis=axis).statistic)
    np.testing.assert_allclose(report["regression_loyalty_interval"], expected, atol=5e-3)
    assert report["regression_loyalty"] == regression_loyalty(x, y)


def test_equal_seeds_give_equal_intervals_and_others_do_not():
    rows = probability_agreement(STUDENT, TEACHER)
    assert bootstrap_interval(rows, 0.95) == bootstrap_interval(rows, 0.95, seed=0)
    assert bootstrap_interval(rows, 0.95) != bootstrap_interval(rows, 0.95, seed=1)


@pytest.mark.parametrize("entries", [1, 7 * len(STUDENT)])
def test_resamples_are_drawn_in_blocks_of_bounded_size(monkeypatch, entries):
    rows = probability_agreement(STUDENT, TEACHER)
    whole = bootstrap_interval(rows, 0.95, bootstrap_samples=1000)
    monkeypatch.setattr(bootstrap, "RESAMPLED_ENTRIES", entries)
    tracemalloc.start()
    assert bootstrap_interval(rows, 0.95, bootstrap_samples=1000) == pytest.approx(whole, abs=1e-15)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.2 * 1000 * rows.nbytes
