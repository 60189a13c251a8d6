"""How to run a model's head at selected positions only."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from .task import task_of, without_adapters


def rows_of_logits(logits: torch.Tensor, rows: torch.Tensor | None) -> torch.Tensor:
    """Return the logits at the wanted rows, whether or not the model has already left out the others.

    Args:
        logits: `[batch, length, classes]`, or `[rows, classes]` from a model under `SelectedHead.select`.
        rows: Boolean `[batch, length]`, or None for all that the model gave.

    Returns:
        `[rows, classes]` in row-major order; `logits` unchanged when `rows` is None.
    """
    return logits if rows is None or logits.dim() == 2 else logits[rows]


class _KeepRows:
    """A forward pre-hook that keeps the wanted rows of its module's first input, or all while none are set."""

    def __init__(self) -> None:
        self.shape: torch.Size | None = None
        self.index: torch.Tensor | None = None

    def __call__(self, module: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...] | None:
        # DataParallel replicas see a part of the batch: they give full logits, which rows_of_logits then cuts.
        if self.index is None or not args or args[0].shape[:2] != self.shape:
            return None
        # An index, unlike a mask, gives torch.compile a shape that does not depend on the data.
        return (args[0].flatten(0, 1).index_select(0, self.index), *args[1:])


def _first_module_of_head(model: nn.Module) -> nn.Module | None:
    """Return the first child with weights beside the encoder, where transformers keeps a masked-LM head."""
    inner = without_adapters(model)
    encoder = getattr(inner, "base_model", inner)
    if encoder is inner:
        return None
    children = (child for child in inner.children() if child is not encoder)
    return next((child for child in children if next(child.parameters(), None) is not None), None)


class SelectedHead:
    """Runs the vocabulary head of a masked language model at selected positions only, through its normal forward.

    A forward pre-hook on the head's first module drops the other positions, so the model is called as ever (through
    DistributedDataParallel, PEFT, gradient checkpointing, `torch.compile`) and its `logits` are `[rows, vocabulary]`.
    Make it once, before the first compiled call: a hook that comes later is skipped. A second one on the same model
    shares the first one's hook. An architecture whose head cannot be found gives full logits; `rows_of_logits` makes
    both the same. No weight, buffer or state-dict entry is added.

    Args:
        model: The masked language model, PEFT-wrapped or not. Call the model without `labels` while rows are selected.

    Raises:
        ValueError: The model is not a masked language model.
    """

    def __init__(self, model: nn.Module) -> None:
        if not task_of(model).over_vocabulary:
            raise ValueError(
                f"SelectedHead expects a masked language model, but got {type(without_adapters(model)).__name__}: "
                "its head is small, so index its logits with rows_of_logits instead."
            )
        module = _first_module_of_head(model)
        hooks = [] if module is None else list(module._forward_pre_hooks.values())
        self._keep_rows = next((hook for hook in hooks if isinstance(hook, _KeepRows)), _KeepRows())
        if module is not None and self._keep_rows not in hooks:
            module.register_forward_pre_hook(self._keep_rows)

    @contextmanager
    def select(self, rows: torch.Tensor | None) -> Iterator[None]:
        """Give logits at `rows` only (boolean `[batch, length]`, row-major order) inside the block; None gives all.

        Raises:
            TypeError: `rows` is not a boolean tensor.
        """
        if rows is not None and rows.dtype != torch.bool:
            raise TypeError(f"SelectedHead.select expects a boolean mask [batch, length], but got {rows.dtype}.")
        if rows is not None:
            self._keep_rows.shape, self._keep_rows.index = rows.shape, rows.flatten().nonzero().squeeze(1)
        try:
            yield
        finally:
            self._keep_rows.shape = self._keep_rows.index = None
