"""Examples in, a batch out: every encoding padded, the same words masked in all of them."""

from .data_collator import DataCollatorForDistillation

__all__ = [
    "DataCollatorForDistillation",
]
