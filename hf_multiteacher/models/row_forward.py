"""One forward of a model with its head at the wanted rows only; the student and its teachers alike."""

from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

from torch import Tensor, nn

from .heads import SelectedHead, rows_of_logits
from .limits import Limits
from .outputs import HiddenStates, hidden_states_of, logits_of
from .task import prompts_of, task_of


class RowForward:
    """Runs a model; make it before the model is wrapped or compiled.

    Args:
        model: The model itself, PEFT-wrapped or not.
        name: What messages call it, such as `the student`.

    Attributes:
        limits: What the model can be given.
    """

    def __init__(self, model: nn.Module, name: str) -> None:
        self.name = name
        self.limits = Limits.of(model)
        self._prompts = prompts_of(model) is not None
        self._head = SelectedHead(model) if task_of(model).over_vocabulary else None

    @property
    def title(self) -> str:
        """The model's name at the start of a sentence."""
        return self.name[:1].upper() + self.name[1:]

    def __call__(
        self,
        model: nn.Module,
        inputs: Mapping[str, Any],
        tokens: Tensor | None,
        *,
        index: Tensor | None = None,
        output_hidden_states: bool = False,
        full: bool = False,
    ) -> tuple[Any, Tensor, HiddenStates | None]:
        """Run the model.

        Args:
            model: The model as the Trainer has wrapped it; under DDP a bare one leaves gradients unsynchronised.
            inputs: `input_ids`, `attention_mask`, ... `[batch, length]`; what the model does not take is left out.
            tokens: The tokens that are rows, bool `[batch, length]`; None for all that the model gives.
            index: Where `tokens` is true, as `rows_of_logits` takes it, if that is known already.
            output_hidden_states: Whether the outputs hold them; if not, the model's configuration decides.
            full: Whether the outputs hold the logits of all tokens.

        Returns:
            The model's outputs; the logits of the rows, `[rows, classes]` in row-major order, without `tokens` as the
            model gives them; and all hidden states `[batch, length, hidden]` where they were asked for, else None.

        Raises:
            ValueError: There are no logits or hidden states in what the model answers, or they are not one per token.
        """
        wanted = None if full else tokens

        outputs = self.run(model, inputs, wanted, index=index, output_hidden_states=output_hidden_states)
        return outputs, *self.read(outputs, inputs, tokens, index=index, output_hidden_states=output_hidden_states)

    def run(
        self,
        model: nn.Module,
        inputs: Mapping[str, Any],
        tokens: Tensor | None,
        *,
        index: Tensor | None = None,
        output_hidden_states: bool,
    ) -> Any:
        """Return the model's outputs, with a vocabulary head at `tokens` only; the rest as in a call."""
        with nullcontext() if self._head is None else self._head.select(tokens, index):
            return self._answer(model, inputs, output_hidden_states)

    def head_inputs(
        self,
        model: nn.Module,
        inputs: Mapping[str, Any],
        tokens: Tensor,
        *,
        index: Tensor | None = None,
        output_hidden_states: bool = False,
    ) -> tuple[Tensor, HiddenStates | None]:
        """Run a masked language model up to its vocabulary head; `head_logits` goes on from there.

        Args:
            model: As in a call.
            inputs: As in a call.
            tokens: As in a call.
            index: As in a call.
            output_hidden_states: As in a call.

        Returns:
            What the head is given at the rows, `[rows, hidden]` in row-major order; the hidden states as in a call.

        Raises:
            ValueError: No head was found, or it was given something else; see `can_run_alone`.
        """
        if self._head is None:
            raise ValueError(f"head_inputs expects a masked language model, but {self.name} has no vocabulary head.")

        with self._head.inputs(tokens, index) as kept:
            outputs = self._answer(model, inputs, output_hidden_states)

        if len(kept) != 1:
            raise ValueError(
                f"head_inputs expects {self.name} to run its vocabulary head once, on one state per token, but it did "
                f"so {len(kept)} times, so there is nothing to keep. Ask can_run_alone first."
            )
        return kept[0], self._hidden_states(outputs, inputs) if output_hidden_states else None

    def read(
        self,
        outputs: Any,
        inputs: Mapping[str, Any],
        tokens: Tensor | None,
        *,
        index: Tensor | None = None,
        output_hidden_states: bool,
    ) -> tuple[Tensor, HiddenStates | None]:
        """Return the logits of the rows and the hidden states that the outputs hold; the rest as in a call."""
        logits = self._one_per_token(logits_of(outputs, self.name), tokens)
        states = self._hidden_states(outputs, inputs) if output_hidden_states else None

        return rows_of_logits(logits, tokens, index), states

    def _answer(self, model: nn.Module, inputs: Mapping[str, Any], output_hidden_states: bool) -> Any:
        """Give a model what it takes of the inputs."""
        taken = {name: value for name, value in inputs.items() if name in self.limits.inputs}
        return model(**taken, **self._options(output_hidden_states))

    def _options(self, output_hidden_states: bool) -> dict[str, bool]:
        """Ask for what is used, and for nothing that the model's `forward` does not know."""
        asked = {"return_dict": True} | ({"output_hidden_states": True} if output_hidden_states else {})
        return {option: value for option, value in asked.items() if self.limits.takes(option)}

    def _one_per_token(self, logits: Tensor, tokens: Tensor | None) -> Tensor:
        """Refuse logits that do not belong to the tokens, as those of a model that puts its own before them."""
        selected = self._head is not None and logits.dim() == 2
        if tokens is not None and not selected and logits.shape[:2] != tokens.shape:
            remedy = (
                "Instead of prompt tuning, which puts tokens of its own before each text, use LoRA here."
                if self._prompts
                else "Have its forward return logits [examples, tokens, classes], before anything else in a tuple."
            )
            raise ValueError(
                f"A row of this task is a token, but {self.name} gives logits {list(logits.shape)} for tokens "
                f"{list(tokens.shape)}, so they belong to no labels. {remedy}"
            )
        return logits

    def _hidden_states(self, outputs: Any, inputs: Mapping[str, Any]) -> HiddenStates:
        states = hidden_states_of(outputs)
        if states is None:
            raise ValueError(
                f"hidden_state_weight compares hidden states, but {self.name} gives none, so this part of the "
                "objective would silently be left out. Load it with from_pretrained (an unpickled model gives none), "
                "or set hidden_state_weight to 0."
            )

        if wrong := [list(state.shape) for state in states if state.shape[:2] != inputs["input_ids"].shape]:
            raise ValueError(
                f"hidden_state_weight compares one hidden state per token, but {self.name} gives hidden states "
                f"{wrong[0]} for tokens {list(inputs['input_ids'].shape)}: they cannot be matched. Set it to 0."
            )
        return states
