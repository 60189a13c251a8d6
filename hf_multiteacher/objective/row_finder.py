"""Finds the rows of a batch: plain values, so that a process that collates batches can be given them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ..losses.problem import Problem
from .row_sets import spans_of
from .rows import Inputs, Rows, find_rows


@dataclass(frozen=True)
class RowFinder:
    """What decides which rows a batch has.

    Attributes:
        sources: Teacher name -> None where it reads the student's encoding, else the number in its columns' names.
        followed: Which of the teachers have a weight above 0.
        problem: What the logits mean.
        distill_positions: Which tokens are rows; None in sequence tasks.
        hidden_states: Whether hidden states are compared.
        unlabelled_sentences: Whether all tokens of a sentence without labels are rows, as in tagging.
    """

    sources: Mapping[str, int | None]
    followed: Sequence[bool]
    problem: Problem
    distill_positions: str | None
    hidden_states: bool
    unlabelled_sentences: bool = False

    def __call__(self, inputs: Inputs) -> Rows:
        """Find the rows of a collated batch."""
        sources = [*self.sources.values()]
        rows = find_rows(
            inputs,
            sources,
            self.problem,
            self.distill_positions,
            self.followed,
            unlabelled_sentences=self.unlabelled_sentences,
        )
        if not self.hidden_states:
            return rows

        return replace(rows, spans=tuple(spans_of(inputs, source) for source in sources))
