"""Which rows of a collated batch take part: a row is a token in token-level tasks, an example in sequence tasks."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from itertools import compress
from typing import Any

import torch
from torch import Tensor

from ..losses.functional import IGNORED_LABEL
from ..losses.problem import Problem
from ..tokenization.columns import TEACHER_MASK, teacher_column

Inputs = Mapping[str, Tensor]
MODEL_INPUTS = ("input_ids", "attention_mask", "token_type_ids")
OF_A_TEACHER = re.compile(rf"teacher_\d+_|{TEACHER_MASK}$")


@dataclass(frozen=True)
class TeacherTokens:
    """Where the rows are in the encoding of a teacher with a tokenizer of its own.

    Args:
        wanted: The tokens on which its head is wanted, bool [batch, teacher length].
        index: Where `wanted` is true, int64 [tokens].
        place: For each of the teacher's rows its token's place among the wanted ones, int64 [its rows].
    """

    wanted: Tensor
    index: Tensor
    place: Tensor


@dataclass(frozen=True)
class SharedSpans:
    """The spans over which hidden states of student and teacher are averaged and compared.

    Args:
        count: Number of spans of each example, above every id.
        index: Those that have a token on both sides among the spans of all examples, int64 [shared spans].
    """

    count: int
    index: Tensor


@dataclass(frozen=True)
class Rows:
    """The rows of one batch. Row sets are masks over its tokens or examples; rows follow in row-major order.

    What a mask says is there as an index too: how many it marks depends on the data, which makes a GPU wait.

    Args:
        mask: Which tokens [batch, length] or, in sequence tasks, examples [batch] are rows.
        labelled: Which of them have a label, likewise.
        available: Which of them each teacher has, likewise; bool [teachers, ...].
        labels: The rows' labels, [rows] or [rows, labels]; None where the batch has none.
        index: Where `mask` is true among all tokens or examples, int64 [rows].
        hard: The labelled ones among the rows, int64.
        taught: Likewise those that a teacher has who is followed.
        has: Likewise those of each teacher.
        tokens_of: The rows in each teacher's own encoding; None where it reads the student's.
        spans: What each teacher shares with the student; none where hidden states are not compared.
    """

    mask: Tensor
    labelled: Tensor
    available: Tensor
    labels: Tensor | None
    index: Tensor
    hard: Tensor
    taught: Tensor
    has: tuple[Tensor, ...]
    tokens_of: tuple[TeacherTokens | None, ...]
    spans: tuple[SharedSpans, ...] = ()

    @property
    def tokens(self) -> Tensor | None:
        """The rows' tokens, bool [batch, length]; None in sequence tasks, whose heads give one row per example."""
        return self.mask if self.mask.dim() == 2 else None

    def without(self, skipped: Tensor) -> "Rows":
        """Return the rows with some that a teacher does not have after all; where they are by index, they stay.

        Args:
            skipped: bool [teachers, rows].
        """
        available = self.available.flatten(1)
        kept = available.index_select(1, self.index) & ~skipped
        return replace(self, available=available.index_copy(1, self.index, kept).view_as(self.available))

    def each(self, function: Callable[[Tensor], Tensor]) -> "Rows":
        """Return the rows with something done to every tensor, such as bringing it to a device."""
        return _each(self, function)


def _each(value: Any, function: Callable[[Tensor], Tensor]) -> Any:
    if isinstance(value, Tensor):
        return function(value)
    if isinstance(value, tuple):
        return tuple(_each(part, function) for part in value)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{part.name: _each(getattr(value, part.name), function) for part in fields(value)})

    return value


def find_rows(
    inputs: Inputs,
    sources: Sequence[int | None],
    problem: Problem,
    distill_positions: str | None,
    followed: Sequence[bool] | None = None,
    of_unlabelled: Callable[[], Tensor] | None = None,
) -> Rows:
    """Find the rows of a batch; without labels, `labelled` positions have none.

    A class of -100 and a number that is NaN are no label: such a row is learned from the teachers alone.

    Args:
        inputs: The collated batch.
        sources: For each teacher, None where it reads the student's encoding, else the number in its columns' names.
        problem: What the logits mean.
        distill_positions: Which tokens are rows, `labelled` or `all` that are no padding; None in sequence tasks.
        followed: Which of the teachers have a weight above 0; None for all.
        of_unlabelled: Tells which tokens of an example in which none has a label are rows, where else the `labelled`
            ones are: in tagging, such a sentence is there for its soft targets; bool [batch, length]. Called where
            there is such an example; None for no token.
    """
    labels = inputs.get("labels")
    every = real_tokens(inputs) if distill_positions else torch.ones_like(inputs["input_ids"][:, 0], dtype=torch.bool)

    labelled = torch.zeros_like(every) if labels is None else every
    if labels is not None and problem == "single_label_classification":
        labelled = labels != IGNORED_LABEL
    elif labels is not None and problem == "multi_label_classification":
        labelled = (labels != IGNORED_LABEL).any(dim=-1)
    elif labels is not None:
        labelled = ~labels.isnan().reshape(len(labels), -1).any(dim=1)

    mask = every | labelled
    if distill_positions == "labelled":
        mask = labelled
        without = ~labelled.any(dim=1, keepdim=True)
        if of_unlabelled is not None and labels is not None and without.any():
            mask = labelled | (of_unlabelled() & without)

    available = [
        mask if source is None or not distill_positions else mask & (counterparts(inputs, source) >= 0)
        for source in sources
    ]
    available = [routed(inputs, teacher, has) for teacher, has in enumerate(available)]
    leaders = available if followed is None else [*compress(available, followed)]
    tokens_of = (
        None if source is None or not distill_positions else teacher_tokens(inputs, source, has)
        for source, has in zip(sources, available, strict=True)
    )

    index = true_places(mask)
    return Rows(
        mask=mask,
        labelled=labelled,
        available=torch.stack(available),
        labels=None if labels is None else labels.flatten(0, mask.dim() - 1).index_select(0, index),
        index=index,
        hard=_among(index, labelled),
        taught=_among(index, torch.stack(leaders).any(dim=0)),
        has=tuple(_among(index, has) for has in available),
        tokens_of=tuple(tokens_of),
    )


def routed(inputs: Inputs, teacher: int, mask: Tensor) -> Tensor:
    """Return a mask [batch, ...] without the examples about which a teacher may not speak."""
    routes = inputs.get(TEACHER_MASK)
    return mask if routes is None else mask & routes[:, teacher].view(-1, *[1] * (mask.dim() - 1))


def true_places(mask: Tensor) -> Tensor:
    """Return where a mask is true among all its entries, int64."""
    return mask.flatten().nonzero().squeeze(1)


def _among(index: Tensor, mask: Tensor) -> Tensor:
    """Return which of the rows at `index` a mask marks."""
    return true_places(mask.flatten().index_select(0, index))


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


def teacher_tokens(inputs: Inputs, source: int, tokens: Tensor) -> TeacherTokens:
    """Find the student's tokens in the encoding of a teacher with a tokenizer of its own.

    Args:
        inputs: The collated batch.
        source: The number in the teacher's columns' names.
        tokens: The student's tokens that the teacher has; bool [batch, length].
    """
    wanted = torch.zeros_like(inputs[teacher_column(source, "input_ids")], dtype=torch.bool)
    examples = torch.nonzero(tokens)[:, 0]
    place = examples * wanted.shape[1] + counterparts(inputs, source)[tokens]
    wanted.view(-1)[place] = True
    return TeacherTokens(wanted, true_places(wanted), (wanted.view(-1).cumsum(0) - 1)[place])
