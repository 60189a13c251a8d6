"""How to run a model's head at selected positions only."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from .last_layer import drop_rows_in_last_layer, last_layer_that_drops_rows
from .row_selection import BeforeHead, RowSelection
from .task import encoder_of, task_of, without_adapters


def rows_of_logits(logits: Tensor, rows: Tensor | None, index: Tensor | None = None) -> Tensor:
    """Return the logits at the wanted rows, whether or not the model has already left out the others.

    Args:
        logits: `[batch, length, classes]`, or `[rows, classes]` from a model under `SelectedHead.select`.
        rows: Boolean `[batch, length]`, or None for all that the model gave.
        index: Where `rows` is true among all tokens in row-major order, `[rows]`, if that is known already: to find it
            out makes a GPU wait.

    Returns:
        `[rows, classes]` in row-major order; `logits` unchanged when `rows` is None.
    """
    if rows is None or logits.dim() == 2:
        return logits

    return logits[rows] if index is None else logits.flatten(0, 1).index_select(0, index)


def first_module_of_head(model: nn.Module) -> nn.Module | None:
    """Return the first child with weights beside the encoder, where transformers keeps a masked-LM head."""
    encoder = encoder_of(model)
    if encoder is None:
        return None

    children = (child for child in without_adapters(model).children() if child is not encoder)
    return next((child for child in children if next(child.parameters(), None) is not None), None)


class SelectedHead:
    """Runs the vocabulary head of a masked language model at selected positions only, through its normal forward.

    A forward pre-hook on the head's first module drops the other positions, so the model is called as ever (through
    DistributedDataParallel, PEFT, gradient checkpointing, `torch.compile`) and its `logits` are `[rows, vocabulary]`.
    Where a trial with a few tokens shows that nothing changes, they are dropped in the last layer already, behind its
    attention; but not in a call that asks for hidden states, nor where the layer runs again in the backward (gradient
    checkpointing as transformers does it). Make it once, before the first compiled call: a hook that comes later is
    skipped. A second one on the same model shares the first one's hooks. An architecture whose head cannot be found
    gives full logits; `rows_of_logits` makes both the same. No weight, buffer or state-dict entry is added.

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
        self._config = without_adapters(model).config
        module = first_module_of_head(model)
        hooks = [] if module is None else list(module._forward_pre_hooks.values())

        before = next((hook for hook in hooks if isinstance(hook, BeforeHead)), BeforeHead(RowSelection()))
        self._selection = before.selection
        if module is not None and before not in hooks:
            module.register_forward_pre_hook(before)
            drop_rows_in_last_layer(model, self._selection)

        self._last_layer = last_layer_that_drops_rows(model)

    @contextmanager
    def select(self, rows: Tensor | None, index: Tensor | None = None) -> Iterator[None]:
        """Give logits at some rows only, in row-major order, inside the block.

        Args:
            rows: Boolean `[batch, length]`; None gives all.
            index: See `rows_of_logits`.

        Raises:
            TypeError: `rows` is not a boolean tensor, or `index` not one of whole numbers.
        """
        if rows is not None and rows.dtype != torch.bool:
            raise TypeError(f"SelectedHead.select expects a boolean mask [batch, length], but got {rows.dtype}.")
        if index is not None and index.dtype != torch.int64:
            raise TypeError(f"SelectedHead.select expects the index of its rows as int64, but got {index.dtype}.")

        if rows is not None:
            early = self._last_layer is not None and not self._last_layer.runs_again
            by_default = bool(getattr(self._config, "output_hidden_states", False))
            self._selection.want(rows, index, may_be_early=early, states_by_default=by_default)
        try:
            yield
        finally:
            self._selection.clear()

    @contextmanager
    def inputs(self, rows: Tensor, index: Tensor | None = None) -> Iterator[list[Tensor]]:
        """Keep what the head is given at some rows inside the block, instead of running it: its logits have no rows.

        Args:
            rows: As for `select`.
            index: As for `select`.

        Yields:
            A list that gets `[rows, hidden]` for each call of the model; it stays empty where no head is found.
        """
        kept: list[Tensor] = []

        with self.select(rows, index):
            self._selection.inputs = kept
            yield kept
