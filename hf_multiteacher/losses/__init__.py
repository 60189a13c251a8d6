"""One module per part of the objective, over the formulas of `functional`. Each gives one value per row.

The caller adds the rows up and divides by its own count, so that accumulation and ranks change nothing.
"""

from .hard_label import HardLabelLoss
from .hidden_state import HiddenStateLoss
from .problem import Ensemble, Problem
from .soft_target import SoftTargetLoss, joint_logits
from .weighting import WEIGHTINGS

__all__ = [
    "WEIGHTINGS",
    "Ensemble",
    "HardLabelLoss",
    "HiddenStateLoss",
    "Problem",
    "SoftTargetLoss",
    "joint_logits",
]
