"""Finds the rows of a batch: plain values, so that a process that collates batches can be given them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from torch import Tensor

from ..losses.problem import Problem
from .row_sets import spans_of
from .rows import Inputs, Rows, find_rows, real_tokens


@dataclass(frozen=True)
class RowFinder:
    """What decides which rows a batch has.

    Attributes:
        sources: Teacher name -> None where it reads the student's encoding, else the number in its columns' names.
        followed: Which of the teachers have a weight above 0.
        problem: What the logits mean.
        distill_positions: Which tokens are rows; None in sequence tasks.
        hidden_states: Whether hidden states are compared.
        unlabelled_sentences: Whether sentences without labels have rows, as in tagging.
        word_starts: Which tokens are these, from `word_starts`; None for all that are no padding.
    """

    sources: Mapping[str, int | None]
    followed: Sequence[bool]
    problem: Problem
    distill_positions: str | None
    hidden_states: bool
    unlabelled_sentences: bool = False
    word_starts: bytes | None = None

    def __call__(self, inputs: Inputs) -> Rows:
        """Find the rows of a collated batch."""
        sources = [*self.sources.values()]
        of_unlabelled = partial(self._of_unlabelled, inputs) if self.unlabelled_sentences else None
        rows = find_rows(inputs, sources, self.problem, self.distill_positions, self.followed, of_unlabelled)
        if self.hidden_states:
            shared = (spans_of(inputs, source, teacher) for teacher, source in enumerate(sources))
            rows = replace(rows, spans=tuple(shared))

        return rows

    def _of_unlabelled(self, inputs: Inputs) -> Tensor:
        """Mark the tokens that would have labels if the sentences had: the first of each word, where that is known."""
        real = real_tokens(inputs)
        if self.word_starts is None:
            return real

        begins = torch.from_numpy(np.unpackbits(np.frombuffer(self.word_starts, np.uint8))).bool()
        ids = inputs["input_ids"]
        return real & begins.to(ids.device)[ids]
