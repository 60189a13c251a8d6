"""The wanted positions of the batch under way, and the hooks that drop the others."""

from typing import Any

import torch
from torch import Tensor, nn


class RowSelection:
    """What is wanted of the call under way; all hooks of one model share it.

    Attributes:
        shape: That of the batch's tokens; None while all are wanted.
        index: The wanted ones among the batch's tokens in row-major order, `[rows]`; None while all are wanted.
        may_be_early: Whether they may be dropped in the last layer.
        states_by_default: Whether the model gives hidden states where nobody says.
        early: Whether they are dropped there in the call under way.
        inputs: Where the head's inputs go that are kept in its place; None while the head is run.
    """

    def __init__(self) -> None:
        self.shape: torch.Size | None = None
        self.index: Tensor | None = None
        self.may_be_early = self.states_by_default = self.early = False
        self.inputs: list[Tensor] | None = None

    def want(self, rows: Tensor, index: Tensor | None, *, may_be_early: bool, states_by_default: bool) -> None:
        """Want some rows, bool `[batch, length]`, of which `index` tells if it is known already."""
        self.shape = rows.shape
        self.index = rows.flatten().nonzero().squeeze(1) if index is None else index
        self.may_be_early, self.states_by_default = may_be_early, states_by_default

    def clear(self) -> None:
        """Want all."""
        self.shape = self.index = self.inputs = None
        self.may_be_early = self.states_by_default = self.early = False

    def cut(self, states: Tensor) -> Tensor:
        """Return the wanted rows of `[batch, length, size]`; anything else as it is."""
        # DataParallel replicas see a part of the batch: they give full logits, which rows_of_logits then cuts.
        if self.index is None or states.dim() != 3 or states.shape[:2] != self.shape:
            return states
        # An index, unlike a mask, gives torch.compile a shape that does not depend on the data.
        return states.flatten(0, 1).index_select(0, self.index)


class BeforeHead:
    """A forward pre-hook of the vocabulary head's first module: the last place to drop rows."""

    def __init__(self, selection: RowSelection) -> None:
        self.selection = selection

    def __call__(self, module: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...] | None:
        """Hand the head the wanted rows, or none where its inputs are all that is wanted."""
        if self.selection.index is None or not args:
            return None

        states = self.selection.cut(args[0])
        if self.selection.inputs is not None and states.dim() == 2:
            self.selection.inputs.append(states)
            states = states[:0]
        return (states, *args[1:])


class BeforeEncoder:
    """A forward pre-hook of the encoder: hidden states that are asked for must come whole."""

    def __init__(self, selection: RowSelection) -> None:
        self.selection = selection

    def __call__(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """See whether the call asks for hidden states."""
        asked = kwargs.get("output_hidden_states")
        whole = self.selection.states_by_default if asked is None else bool(asked)
        self.selection.early = self.selection.may_be_early and not whole


class AfterAttention:
    """A forward hook of what ends the last layer's attention: whatever follows works token by token."""

    def __init__(self, selection: RowSelection) -> None:
        self.selection = selection

    def __call__(self, module: nn.Module, args: tuple[Any, ...], output: Any) -> Any:
        """Hand on the wanted rows."""
        return self.selection.cut(output) if self.selection.early and isinstance(output, Tensor) else None
