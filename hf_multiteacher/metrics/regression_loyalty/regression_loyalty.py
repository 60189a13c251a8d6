"""Regression loyalty of a student to its teacher: an evaluate module."""

import evaluate

from hf_multiteacher.loyalty import regression_report
from hf_multiteacher.metrics.loyalty import loyalty

_DESCRIPTION = """
Regression loyalty is the Pearson correlation between the outputs of a student model and of its teacher.
"""

_KWARGS_DESCRIPTION = """
Args:
    predictions: the student's outputs, one number per row, of shape [rows] or [rows, 1].
    references: the teacher's, of the same shape.
    mask: booleans of that shape, true for the rows that count. Default None, all.
    confidence_level (float): such as 0.95: add a bootstrap interval. Default: none.
    bootstrap_samples (int): resamples behind the interval. Default 1000.
    seed (int): of the resamples. Default 0.
Returns:
    regression_loyalty (float): from -1 to 1, higher is closer.
    regression_loyalty_interval (list): lower and upper end, with `confidence_level`.
Examples:
    >>> regression_loyalty = evaluate.load("regression_loyalty")
    >>> result = regression_loyalty.compute(predictions=[0.1, 2.1, 2.9], references=[0.0, 2.0, 3.0])
    >>> round(result["regression_loyalty"], 6)
    0.998625
"""


@evaluate.utils.file_utils.add_start_docstrings(_DESCRIPTION, _KWARGS_DESCRIPTION)
class RegressionLoyalty(loyalty.LoyaltyMetric):
    """The base class is reached through its module, because evaluate takes the first metric class in a script."""

    reports = {"regression": regression_report}

    def _info(self) -> evaluate.MetricInfo:
        return self._describe(_DESCRIPTION, _KWARGS_DESCRIPTION)
