"""Which rows of a collated batch take part: a row is a token of a token-level task, or an example of the others."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

MODEL_INPUTS = ("input_ids", "attention_mask", "token_type_ids")


@dataclass(frozen=True)
class TeacherRows:
    """The student's rows that one teacher has, and where they stand in the encoding that this teacher reads.

    Args:
        available: Whether the teacher has each row; bool [rows].
        tokens: The tokens of the teacher's encoding on which its head is wanted; bool [batch, teacher length], or
            None in sequence tasks.
        order: For each row that the teacher has, its place among `tokens`; int64 [rows that it has].
    """

    available: Tensor
    tokens: Tensor | None
    order: Tensor


def teacher_inputs(inputs: Mapping[str, Tensor], source: int | None) -> dict[str, Tensor]:
    """Return what a teacher reads: the student's encoding (`source` None) or the columns `teacher_{source}_*`."""
    prefix = "" if source is None else f"teacher_{source}_"
    return {name: inputs[prefix + name] for name in MODEL_INPUTS if prefix + name in inputs}


def real_tokens(inputs: Mapping[str, Tensor]) -> Tensor:
    """Return which tokens of the student's encoding are no padding; bool [batch, length]."""
    mask = inputs.get("attention_mask")
    return torch.ones_like(inputs["input_ids"], dtype=torch.bool) if mask is None else mask.bool()


def token_rows(inputs: Mapping[str, Tensor], distill_positions: str) -> Tensor:
    """Return the student's tokens that are rows; bool [batch, length].

    Raises:
        ValueError: The rows are the labelled tokens and the batch has no labels.
    """
    if distill_positions == "all":
        return real_tokens(inputs)
    if inputs.get("labels") is None:
        raise ValueError(
            "MultiTeacherDistillationTrainer works on labelled tokens and this batch has no column 'labels', so there "
            "is nothing to learn from. Add labels, or learn from the teachers alone on every token: "
            "distill_positions='all', hard_label_weight=0."
        )
    return inputs["labels"] != -100


def teacher_rows(inputs: Mapping[str, Tensor], source: int | None, tokens: Tensor | None) -> TeacherRows:
    """Match the student's rows with those of the encoding that a teacher reads.

    Args:
        inputs: The collated batch.
        source: None where the teacher reads the student's encoding, else the number in its columns' names.
        tokens: The student's tokens that are rows; bool [batch, length]. None in sequence tasks.
    """
    if tokens is None:
        every = torch.arange(len(inputs["input_ids"]), device=inputs["input_ids"].device)
        return TeacherRows(torch.ones_like(every, dtype=torch.bool), None, every)
    example, _ = torch.nonzero(tokens, as_tuple=True)
    if source is None:
        every = torch.arange(len(example), device=tokens.device)
        return TeacherRows(torch.ones_like(every, dtype=torch.bool), tokens, every)
    positions = inputs[f"teacher_{source}_positions"][tokens]
    available = positions >= 0
    wanted = torch.zeros_like(inputs[f"teacher_{source}_input_ids"], dtype=torch.bool)
    place = example[available] * wanted.shape[1] + positions[available]
    wanted.view(-1)[place] = True
    return TeacherRows(available, wanted, (wanted.view(-1).cumsum(0) - 1)[place])


def row_examples(inputs: Mapping[str, Tensor], tokens: Tensor | None) -> Tensor:
    """Return the example that each row belongs to; int64 [rows]."""
    if tokens is None:
        return torch.arange(len(inputs["input_ids"]), device=inputs["input_ids"].device)
    return torch.nonzero(tokens, as_tuple=True)[0]
