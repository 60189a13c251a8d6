"""Which rows of a collated batch take part: a row is a token in token-level tasks, an example in sequence tasks."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..losses.functional import IGNORED_LABEL
from ..losses.problem import Problem
from ..tokenization.columns import teacher_column

Inputs = Mapping[str, Tensor]
MODEL_INPUTS = ("input_ids", "attention_mask", "token_type_ids")
OF_A_TEACHER = re.compile(r"teacher_\d+_")


@dataclass(frozen=True)
class Rows:
    """The rows of one batch. Row sets are masks over its tokens or examples; rows follow in row-major order.

    Args:
        mask: Which tokens [batch, length] or, in sequence tasks, examples [batch] are rows.
        labelled: Which of them have a label, likewise.
        available: Which of them each teacher has, likewise; bool [teachers, ...].
        labels: The rows' labels, [rows] or [rows, labels]; None where the batch has none.
    """

    mask: Tensor
    labelled: Tensor
    available: Tensor
    labels: Tensor | None

    @property
    def tokens(self) -> Tensor | None:
        """The rows' tokens, bool [batch, length]; None in sequence tasks, whose heads give one row per example."""
        return self.mask if self.mask.dim() == 2 else None


def find_rows(inputs: Inputs, sources: Sequence[int | None], problem: Problem, distill_positions: str | None) -> Rows:
    """Find the rows of a batch; without labels, `labelled` positions have none.

    Args:
        inputs: The collated batch.
        sources: For each teacher, None where it reads the student's encoding, else the number in its columns' names.
        problem: What the logits mean.
        distill_positions: Which tokens are rows, `labelled` or `all` that are no padding; None in sequence tasks.
    """
    labels = inputs.get("labels")
    every = real_tokens(inputs) if distill_positions else torch.ones_like(inputs["input_ids"][:, 0], dtype=torch.bool)

    labelled = torch.zeros_like(every) if labels is None else every
    if labels is not None and problem == "single_label_classification":
        labelled = labels != IGNORED_LABEL
    elif labels is not None and problem == "multi_label_classification":
        labelled = (labels != IGNORED_LABEL).any(dim=-1)
    mask = labelled if distill_positions == "labelled" else every | labelled

    available = [
        mask if source is None or not distill_positions else mask & (counterparts(inputs, source) >= 0)
        for source in sources
    ]
    return Rows(mask, labelled, torch.stack(available), None if labels is None else labels[mask])


def real_tokens(inputs: Inputs) -> Tensor:
    """Return which tokens of the student's encoding are no padding; bool [batch, length]."""
    mask = inputs.get("attention_mask")
    return torch.ones_like(inputs["input_ids"], dtype=torch.bool) if mask is None else mask.bool()


def counterparts(inputs: Inputs, source: int) -> Tensor:
    """Return where the counterpart of each of the student's tokens stands in a teacher's encoding, or -1."""
    return inputs[teacher_column(source, "positions")]


def teacher_inputs(inputs: Inputs, source: int | None) -> dict[str, Tensor]:
    """Return what a teacher reads: the columns `teacher_{source}_*`, or all that the student reads (`source` None)."""
    if source is None:
        return {name: value for name, value in inputs.items() if name != "labels" and not OF_A_TEACHER.match(name)}

    columns = {name: teacher_column(source, name) for name in MODEL_INPUTS}
    return {name: inputs[column] for name, column in columns.items() if column in inputs}


def teacher_tokens(inputs: Inputs, source: int, tokens: Tensor) -> tuple[Tensor, Tensor]:
    """Find the student's tokens in the encoding of a teacher with a tokenizer of its own.

    Args:
        inputs: The collated batch.
        source: The number in the teacher's columns' names.
        tokens: The student's tokens that the teacher has; bool [batch, length].

    Returns:
        The tokens on which the teacher's head is wanted, bool [batch, teacher length], and for each of the student's
        tokens its place among them, int64 [rows].
    """
    wanted = torch.zeros_like(inputs[teacher_column(source, "input_ids")], dtype=torch.bool)
    examples = torch.nonzero(tokens)[:, 0]
    place = examples * wanted.shape[1] + counterparts(inputs, source)[tokens]
    wanted.view(-1)[place] = True
    return wanted, (wanted.view(-1).cumsum(0) - 1)[place]
