"""How closely a student's outputs follow its teacher's: label, probability and regression loyalty on numpy arrays.

Every function takes the student first and the teacher second, as lists, arrays or tensors, and works through them in
small blocks of float64. Copied as a whole, once, are only lists, tensors in bfloat16 or on a GPU, regression outputs
under a mask, and cuts through three or more axes such as `logits[:, 1:]`.

`*_agreement` gives one value per row, to be added up over batches, `*_loyalty` the figure of a data set, `*_report`
the figure with what is asked for beside it.
"""

from .arrays import (
    BLOCK_ENTRIES,
    as_array,
    mean_over_rows,
    same_labels,
    same_outputs,
    same_shape,
    score_rows,
)
from .bootstrap import RESAMPLED_ENTRIES, SAMPLES, SEED, bootstrap_interval
from .label import IGNORED_LABEL, cohen_kappa, label_agreement, label_loyalty, labelled_rows, predicted_labels
from .probability import SUM_TOLERANCE, probability_agreement, probability_loyalty
from .regression import ROUNDING, correlation, moments, regression_loyalty
from .report import class_figures, classification_report, label_report, probability_report, regression_report

__all__ = [
    "BLOCK_ENTRIES",
    "IGNORED_LABEL",
    "RESAMPLED_ENTRIES",
    "ROUNDING",
    "SAMPLES",
    "SEED",
    "SUM_TOLERANCE",
    "as_array",
    "bootstrap_interval",
    "class_figures",
    "classification_report",
    "cohen_kappa",
    "correlation",
    "label_agreement",
    "label_loyalty",
    "label_report",
    "labelled_rows",
    "mean_over_rows",
    "moments",
    "predicted_labels",
    "probability_agreement",
    "probability_loyalty",
    "probability_report",
    "regression_loyalty",
    "regression_report",
    "same_labels",
    "same_outputs",
    "same_shape",
    "score_rows",
]
