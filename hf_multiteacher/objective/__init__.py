"""From a batch to one value per row and component."""

from .objective import DistillationObjective

__all__ = [
    "DistillationObjective",
]
