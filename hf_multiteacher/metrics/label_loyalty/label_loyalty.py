"""Label loyalty of a student to its teacher: an evaluate module."""

import evaluate

from hf_multiteacher.loyalty import label_report
from hf_multiteacher.metrics.loyalty import loyalty

_DESCRIPTION = """
Label loyalty is the share of rows where a student model chooses the same label as its teacher, right or wrong.
"""

_KWARGS_DESCRIPTION = """
Args:
    predictions: the student's class labels, integers of any shape.
    references: the teacher's, of the same shape. A row with -100 in either is left out.
    mask: booleans of that shape, true for the rows that count. Default None, all.
    per_class (bool): add figures per class of the teacher. Default False.
    kappa (bool): add Cohen's kappa. Default False.
    confidence_level (float): such as 0.95: add a bootstrap interval. Default: none.
    bootstrap_samples (int): resamples behind the interval. Default 1000.
    seed (int): of the resamples. Default 0.
Returns:
    label_loyalty (float): from 0 to 1, higher is closer.
    label_loyalty_interval (list): lower and upper end, with `confidence_level`.
    per_class (dict): number of rows and label loyalty for each class that the teacher chose, with `per_class`.
    cohen_kappa (float): from -1 to 1, with `kappa`; NaN where only one class occurs.
Examples:
    >>> label_loyalty = evaluate.load("label_loyalty")
    >>> label_loyalty.compute(predictions=[0, 1, 2, 0], references=[0, 1, 1, -100])
    {'label_loyalty': 0.6666666666666666}
    >>> label_loyalty.compute(predictions=[0, 1, 1, 0], references=[0, 1, 0, 0], kappa=True)
    {'label_loyalty': 0.75, 'cohen_kappa': 0.5}
"""


@evaluate.utils.file_utils.add_start_docstrings(_DESCRIPTION, _KWARGS_DESCRIPTION)
class LabelLoyalty(loyalty.LoyaltyMetric):
    """The base class is reached through its module, because evaluate takes the first metric class in a script."""

    reports = {"labels": label_report}

    def _info(self) -> evaluate.MetricInfo:
        return self._describe(_DESCRIPTION, _KWARGS_DESCRIPTION)
