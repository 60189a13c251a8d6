"""Labels that the student's head cannot learn from, refused on the CPU before a batch reaches the device."""

import reprlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..losses.functional import IGNORED_LABEL
from ..losses.problem import Problem
from ..tokenization.columns import LABEL_NAMES


@dataclass(frozen=True)
class CheckedLabels:
    """A collator whose batches have only labels that the student's head can learn from.

    A loss would answer others with NaN, with a number that means something else, or with an error deep inside.

    Args:
        collator: What makes the batches.
        problem: What the student's logits mean.
        outputs: How many of them there are in a row.
        token_level: Whether a row is a token; else an example.
    """

    collator: Callable[[list[Any]], dict[str, Any]]
    problem: Problem
    outputs: int
    token_level: bool

    def __call__(self, features: list[Any]) -> dict[str, Any]:
        """Make a batch.

        Raises:
            ValueError: A label is none that the head can learn from; the message names column and row.
        """
        batch = self.collator(features)

        labels = batch.get("labels")
        if isinstance(labels, Tensor) and len(labels):
            self._check(labels, features)
        return batch

    def _check(self, labels: Tensor, features: Sequence[Any]) -> None:
        self._expect_shape(labels, features)

        place = next(iter(torch.nonzero(self._wrong(labels)).tolist()), None)
        if place is not None:
            found = labels[tuple(place)].item()
            raise ValueError(
                f"{self._expected(features)}, but {_example(place[0], features)} has {found}: {self._advice(found)}"
            )

    def _expect_shape(self, labels: Tensor, features: Sequence[Any]) -> None:
        if self.token_level:
            return

        single = self.problem == "single_label_classification"
        width = None if labels.dim() == 1 else labels[0].numel()
        fits = width is None if single else width == self.outputs
        if not fits and not (self.problem == "regression" and width is None and self.outputs == 1):
            found = reprlib.repr(labels[0].tolist())
            raise ValueError(
                f"{self._expected(features)}, but {_example(0, features)} has {found}: the loss would compare other "
                f"things. Correct the column, or say what the head is for, for example "
                f"model.config.problem_type = '{'multi' if single else 'single'}_label_classification'."
            )

    def _wrong(self, labels: Tensor) -> Tensor:
        """Which labels the head cannot learn from; NaN is beyond every bound, and in regression no label."""
        if self.problem == "regression":
            none = labels.isnan().reshape(len(labels), -1).all(dim=1)  # an example without a label
            return ~torch.isfinite(labels) & ~none.reshape(-1, *[1] * (labels.dim() - 1))

        if self.problem == "single_label_classification" and labels.is_floating_point():
            fractions = labels != labels.round()
            return fractions if fractions.any() else torch.ones_like(fractions)

        largest = 1 if self.problem == "multi_label_classification" else self.outputs - 1
        return (labels != IGNORED_LABEL) & ~((labels >= 0) & (labels <= largest))

    def _expected(self, features: Sequence[Any]) -> str:
        amount = f"{self.outputs} finite number{'s' * (self.outputs > 1)} per example, or NaN for none,"
        if self.problem == "multi_label_classification":
            amount = f"{self.outputs} numbers from 0 to 1 per example, or {IGNORED_LABEL} for none,"
        elif self.problem == "single_label_classification":
            amount = f"whole numbers from 0 to {self.outputs - 1}, or {IGNORED_LABEL} for none,"

        name = next((name for name in LABEL_NAMES if name in features[0]), "labels")
        return f"The student's head for {self.problem} expects {amount} in column '{name}'"

    def _advice(self, found: float) -> str:
        if self.problem == "regression":
            return "the loss would be no number. Correct it, or write NaN where there is none."
        if self.problem == "single_label_classification" and isinstance(found, float):
            return "a class has no such number. Fill or filter out missing labels, and turn the column into integers."
        return f"there is no such label. Correct it, or write {IGNORED_LABEL} where there is none."


def _example(row: int, features: Sequence[Any]) -> str:
    """Name an example by its place in the batch and its first tokens."""
    feature = features[row] if row < len(features) else None
    tokens = feature.get("input_ids") if isinstance(feature, Mapping) else None
    return f"row {row} of a batch" + ("" if tokens is None else f" (tokens {reprlib.repr(list(tokens))})")
