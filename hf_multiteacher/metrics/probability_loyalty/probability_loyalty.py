"""Probability loyalty of a student to its teacher: an evaluate module."""

import evaluate

from hf_multiteacher.loyalty import probability_report
from hf_multiteacher.metrics.loyalty import loyalty

_DESCRIPTION = """
Probability loyalty is the mean over rows of one minus the Jensen-Shannon distance (the root of the divergence) between
the class distributions of a student model and of its teacher.
"""

_KWARGS_DESCRIPTION = """
Args:
    predictions: the student's probabilities, or logits with `from_logits=True`, of shape [..., classes].
    references: the teacher's, of the same shape, with the classes in the same order.
    from_logits (bool): whether both are logits, to be put through a softmax. Default False.
    base (float): base of the logarithm. Default None, the natural one.
    mask: booleans [...], one per row, true for the rows that count. Default None, all.
    confidence_level (float): such as 0.95: add a bootstrap interval. Default: none.
    bootstrap_samples (int): resamples behind the interval. Default 1000.
    seed (int): of the resamples. Default 0.
Returns:
    probability_loyalty (float): from 0.1674 (base 2: from 0) to 1, higher is closer.
    probability_loyalty_interval (list): lower and upper end, with `confidence_level`.
Examples:
    >>> probability_loyalty = evaluate.load("probability_loyalty")
    >>> student, teacher = [[0.7, 0.2, 0.1]], [[0.5, 0.3, 0.2]]
    >>> round(probability_loyalty.compute(predictions=student, references=teacher)["probability_loyalty"], 6)
    0.85201
    >>> round(probability_loyalty.compute(predictions=student, references=teacher, base=2)["probability_loyalty"], 6)
    0.822245
"""


@evaluate.utils.file_utils.add_start_docstrings(_DESCRIPTION, _KWARGS_DESCRIPTION)
class ProbabilityLoyalty(loyalty.LoyaltyMetric):
    """The base class is reached through its module, because evaluate takes the first metric class in a script."""

    reports = {"classification": probability_report}

    def _info(self) -> evaluate.MetricInfo:
        return self._describe(_DESCRIPTION, _KWARGS_DESCRIPTION)
