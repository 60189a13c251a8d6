"""What a model answers with, read alike from an output object, a dictionary or a tuple."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor
from transformers import PretrainedConfig
from transformers.trainer_pt_utils import nested_detach

HiddenStates = tuple[Tensor, ...]


def logits_of(outputs: Any, name: str) -> Tensor:
    """Return the logits of a model that was given no labels.

    Args:
        outputs: An output object or a dictionary with `logits`, or a tuple that begins with them.
        name: What messages call the model, such as `the student`.

    Raises:
        ValueError: It is none of these.
    """
    if isinstance(outputs, tuple | list):
        logits = next(iter(outputs), None)
    else:
        logits = outputs.get("logits") if isinstance(outputs, Mapping) else getattr(outputs, "logits", None)

    if not isinstance(logits, Tensor):
        raise ValueError(
            f"Distillation compares logits, but {name} answers with {_described(outputs)}, where none can be found. "
            "Have its forward return an output object or a dictionary with 'logits', or a tuple that begins with them "
            "where no labels are given."
        )
    return logits


def hidden_states_of(outputs: Any) -> HiddenStates | None:
    """Return the hidden states of all layers, or None where there are none.

    Args:
        outputs: As for `logits_of`; in a tuple, the first element that holds tensors `[batch, length, hidden]`.
    """
    if isinstance(outputs, tuple | list):
        return next((tuple(each) for each in outputs if _are_hidden_states(each)), None)
    if isinstance(outputs, Mapping):
        return outputs.get("hidden_states")
    return getattr(outputs, "hidden_states", None)


def predictions_of(
    outputs: Any, ignore_keys: Sequence[str] | None, config: PretrainedConfig, *, hidden_states: bool
) -> Any:
    """Return the student's predictions as `Trainer` does: the logits, and beside them what the configuration asks for.

    Args:
        outputs: As for `logits_of`.
        ignore_keys: What to leave out of them; by default what the configuration says.
        config: The student's.
        hidden_states: Whether the hidden states are among them.
    """
    if not isinstance(outputs, Mapping):
        return logits_of(outputs, "the student").detach()

    usual = getattr(config, "keys_to_ignore_at_inference", ["past_key_values"])
    ignored = {"loss", *(usual if ignore_keys is None else ignore_keys)}
    if not hidden_states:
        ignored.add("hidden_states")

    given = tuple(value for name, value in outputs.items() if name not in ignored)
    return nested_detach(given[0] if len(given) == 1 else given)


def _are_hidden_states(value: Any) -> bool:
    each = value if isinstance(value, tuple | list) else ()
    return bool(each) and all(isinstance(state, Tensor) and state.dim() == 3 for state in each)


def _described(outputs: Any) -> str:
    kind = type(outputs).__name__
    if isinstance(outputs, Mapping):
        return f"a {kind} of {sorted(map(str, outputs))}"
    if isinstance(outputs, tuple | list):
        return f"a {kind} of {[type(each).__name__ for each in outputs]}"
    return f"a {kind}"
