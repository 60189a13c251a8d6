"""What was measured, for people: tables, charts and the model card."""

from .benchmark import compare, describe_machine
from .card import write_model_card
from .card_data import DistillationCardData, Evaluation

__all__ = [
    "DistillationCardData",
    "Evaluation",
    "compare",
    "describe_machine",
    "write_model_card",
]
