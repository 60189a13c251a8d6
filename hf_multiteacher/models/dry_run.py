"""A few made-up tokens, and a way to run a model on them that leaves no trace."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from .limits import Limits
from .task import without_adapters

LENGTH = 8  # enough to see that tokens are pooled, or that there are more of them than were given


def can_be_tried(model: nn.Module) -> bool:
    """Tell whether a model's weights are all there, and whether a short text would change it for good."""
    # BigBird turns to full attention where a text is short, and stays there.
    in_blocks = getattr(without_adapters(model).config, "attention_type", None) == "block_sparse"
    return not in_blocks and not any(weight.is_meta for weight in model.parameters())


def made_up_ids(model: nn.Module, limits: Limits) -> Tensor:
    """Return a row of ordinary ids, closed as T5 and BART expect it; `[1, length]`, on the model's device."""
    config = without_adapters(model).config
    pad, begin, end = (getattr(config, f"{role}_token_id", None) for role in ("pad", "bos", "eos"))
    few = range(min(limits.embeddings, LENGTH + 3))
    ordinary = [number for number in few if number not in (pad, begin, end)] or [0]

    ids = torch.tensor([[ordinary[at % len(ordinary)] for at in range(min(LENGTH, limits.positions))]])
    if isinstance(end, int):
        ids[0, -1] = end

    weight = next(model.parameters(), None)
    return ids if weight is None else ids.to(weight.device)


@contextmanager
def undisturbed(model: nn.Module) -> Iterator[None]:
    """Run a model without gradients and dropout, as it was before `torch.compile`, and leave no trace of it."""
    modes = {module: module.training for module in model.modules()}
    devices = {weight.device for weight in model.parameters() if weight.device.type == "cuda"}
    model.eval()

    try:
        with torch.no_grad(), torch.random.fork_rng(devices=devices), torch.compiler.set_stance("force_eager"):
            yield
    finally:
        for module, training in modes.items():
            module.training = training


def same_logits(logits: Tensor, expected: Tensor) -> bool:
    """Tell whether two ways give the same logits, but for the rounding of products of another shape.

    Where there are none to compare, or some are no numbers, that cannot be told: False.
    """
    if logits.shape != expected.shape or not expected.numel() or not expected.isfinite().all():
        return False

    return torch.allclose(logits, expected, rtol=0, atol=_rounding(expected) * float(expected.abs().max()))


def _rounding(logits: Tensor) -> float:
    """Return what products may differ by, as a part of the largest; GPUs may cut float32 to 10 bits (TF32)."""
    eps = torch.finfo(logits.dtype).eps
    if logits.device.type != "cpu":
        eps = max(eps, 2**-10)

    return max(1e-5, 4 * eps)
