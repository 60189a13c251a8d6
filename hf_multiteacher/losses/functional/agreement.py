"""How far two models agree on each row, on their device; `hf_multiteacher.loyalty` says the same of arrays."""

import torch
from torch import Tensor

from .numerics import full_precision

CHUNK_ENTRIES = 1 << 20


def label_and_probability_agreement(student_logits: Tensor, teacher_logits: Tensor) -> tuple[Tensor, Tensor]:
    """Say of each row whether both choose the same class, and one minus the Jensen-Shannon distance.

    It goes through the rows in chunks, in float64 where the device has it: of a large vocabulary, whole copies would
    take several times the room of the logits.

    Args:
        student_logits: `[rows, classes]`.
        teacher_logits: `[rows, classes]`.

    Returns:
        Two `[rows]`; NaN where a row holds no distribution.
    """
    size = max(1, CHUNK_ENTRIES // max(1, student_logits.shape[-1]))
    chunks = zip(student_logits.split(size), teacher_logits.split(size), strict=True)
    each = [_of_chunk(*chunk) for chunk in chunks]
    same, near = (torch.cat(parts) for parts in zip(*each, strict=True))
    return same, near


def _of_chunk(student: Tensor, teacher: Tensor) -> tuple[Tensor, Tensor]:
    p, q = _distributions(teacher), _distributions(student)
    near = 1 - jensen_shannon_distance(p, q)

    same = (student.argmax(dim=-1) == teacher.argmax(dim=-1)).to(near.dtype)
    return same.masked_fill(near.isnan(), torch.nan), near


def _distributions(logits: Tensor) -> Tensor:
    exact = full_precision(logits) if logits.device.type == "mps" else logits.double()
    return torch.softmax(exact, dim=-1)


def jensen_shannon_distance(p: Tensor, q: Tensor) -> Tensor:
    """Root of the Jensen-Shannon divergence, natural logarithm, of distributions `[..., classes]`.

    With m = (p + q) / 2 and d = (p - q) / (p + q), p ln(p / m) + q ln(q / m) is p ln(1 + d) + q ln(1 - d): exact to
    rounding also where p and q nearly agree, and zero where they are equal.
    """
    total = p + q
    difference = (p - q).div_(total.masked_fill(total == 0, 1.0))

    above_minus_one = -1 + torch.finfo(p.dtype).eps
    divergence = p * difference.clamp(min=above_minus_one).log1p_()
    divergence += q * difference.neg().clamp_(min=above_minus_one).log1p_()
    return (divergence.sum(dim=-1) / 2).clamp(min=0).sqrt()
