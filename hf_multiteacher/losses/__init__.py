"""The parts of the objective on matched rows: one value per row, never a mean."""

from .soft_target import HardLabelLoss, HiddenStateLoss, SoftTargetLoss

__all__ = [
    "HardLabelLoss",
    "HiddenStateLoss",
    "SoftTargetLoss",
]
