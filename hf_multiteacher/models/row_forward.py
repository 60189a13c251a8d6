"""One forward of a model with its head at the wanted rows only; the student and its teachers alike."""

import inspect
from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

from torch import Tensor, nn

from .heads import SelectedHead, rows_of_logits
from .task import task_of, without_adapters


class RowForward:
    """Runs a model; make it before the model is wrapped or compiled.

    Args:
        model: The model itself, PEFT-wrapped or not.
        name: What messages call it, such as `the student`.
    """

    def __init__(self, model: nn.Module, name: str) -> None:
        self.name = name
        self._head = SelectedHead(model) if task_of(model).over_vocabulary else None
        self._inputs = _inputs_of(model)

    def __call__(
        self,
        model: nn.Module,
        inputs: Mapping[str, Any],
        tokens: Tensor | None,
        *,
        output_hidden_states: bool = False,
        full: bool = False,
    ) -> tuple[Any, Tensor]:
        """Run the model.

        Args:
            model: The model as the Trainer has wrapped it; under DDP a bare one leaves gradients unsynchronised.
            inputs: `input_ids`, `attention_mask`, ... `[batch, length]`; what the model does not take is left out.
            tokens: The tokens that are rows, bool `[batch, length]`; None for all that the model gives.
            output_hidden_states: Whether the outputs hold them.
            full: Whether the outputs hold the logits of all tokens.

        Returns:
            The model's outputs, and the logits of the rows: `[rows, classes]`, row-major; without `tokens` as the
            model gives them.

        Raises:
            ValueError: The model gives no hidden states although they were asked for.
        """
        taken = {name: value for name, value in inputs.items() if name in self._inputs}

        with nullcontext() if self._head is None or full else self._head.select(tokens):
            outputs = model(**taken, output_hidden_states=output_hidden_states, return_dict=True)
        if output_hidden_states:
            self._expect_hidden_states(outputs)

        return outputs, rows_of_logits(outputs.logits, tokens)

    def _expect_hidden_states(self, outputs: Any) -> None:
        if outputs.hidden_states is None:
            raise ValueError(
                f"hidden_state_weight compares hidden states, but {self.name} gives none, so this part of the "
                "objective would silently be left out. Load it with from_pretrained (an unpickled model gives none), "
                "or set it to 0."
            )


def _inputs_of(model: nn.Module) -> set[str]:
    """Name what a model takes. Without labels it computes no loss of its own, which would be scaled wrongly."""
    inner = without_adapters(model)
    names = set(inspect.signature(inner.forward).parameters) - {"labels"}

    # A model with one token type need not be told it, and has no embedding for the second text of a pair.
    return names - {"token_type_ids"} if getattr(inner.config, "type_vocab_size", 2) < 2 else names
