"""What a row of logits means and how several teachers become one target: the words that the losses know."""

from collections.abc import Collection
from typing import Literal

Problem = Literal["single_label_classification", "multi_label_classification", "regression"]
"""What logits mean, as in transformers' `config.problem_type`; tagging and masked-LM rows are single-label."""

Ensemble = Literal["probabilities", "logits", "per_teacher"]
"""`probabilities` and `logits`: the weighted mean of either is the one target; `per_teacher`: one loss per teacher."""


def expect_one_of(name: str, value: str, allowed: Collection[str]) -> None:
    """Refuse a word that is not among those that are known.

    Args:
        name: What the error calls the argument.
        value: What was given.
        allowed: The words that are known.

    Raises:
        ValueError: If the value is none of these.
    """
    if value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(allowed)}, but is {value!r}.")
