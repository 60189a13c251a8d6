"""How closely a student follows its teachers, on numpy arrays."""

from .probability import (
    as_array,
    label_agreement,
    label_loyalty,
    predicted_labels,
    probability_agreement,
    probability_loyalty,
    regression_loyalty,
    same_labels,
    same_outputs,
    same_shape,
    score_rows,
)
from .report import (
    bootstrap_interval,
    class_figures,
    classification_report,
    cohen_kappa,
    label_report,
    probability_report,
    regression_report,
)

__all__ = [
    "as_array",
    "bootstrap_interval",
    "class_figures",
    "classification_report",
    "cohen_kappa",
    "label_agreement",
    "label_loyalty",
    "label_report",
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
