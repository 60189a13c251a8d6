"""One forward of the student: the inputs that it takes, its head at the batch's rows only."""

import inspect
from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

from torch import Tensor, nn

from ..objective.aligned_teachers import expect_hidden_states
from ..objective.rows import Rows
from .heads import SelectedHead, rows_of_logits
from .task import task_of, without_adapters


class StudentForward:
    """Runs a student; make it before the student is wrapped or compiled.

    Args:
        student: The model itself, PEFT-wrapped or not.
    """

    def __init__(self, student: nn.Module) -> None:
        self._head = SelectedHead(student) if task_of(student).over_vocabulary else None
        # Without labels the model computes no loss of its own, which would be scaled wrongly.
        self._inputs = set(inspect.signature(without_adapters(student).forward).parameters) - {"labels"}

    def __call__(
        self,
        model: nn.Module,
        inputs: Mapping[str, Any],
        rows: Rows,
        *,
        output_hidden_states: bool,
        full: bool = False,
    ) -> tuple[Any, Tensor]:
        """Run the model.

        Args:
            model: The student as the Trainer has wrapped it; under DDP a bare one leaves gradients unsynchronised.
            inputs: The collated batch.
            rows: Its rows.
            output_hidden_states: Whether the outputs hold them.
            full: Whether the outputs hold the logits of all tokens.

        Returns:
            The model's outputs, and the logits of the rows, [rows, outcomes].

        Raises:
            ValueError: The model gives no hidden states.
        """
        taken = {name: value for name, value in inputs.items() if name in self._inputs}
        with nullcontext() if self._head is None or full else self._head.select(rows.tokens):
            outputs = model(**taken, output_hidden_states=output_hidden_states, return_dict=True)
        if output_hidden_states:
            expect_hidden_states("the student", outputs.hidden_states)
        return outputs, rows_of_logits(outputs.logits, rows.tokens)
