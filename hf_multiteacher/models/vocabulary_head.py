"""A vocabulary head by itself: run on inputs that were kept, in its model or with nothing but its own weights."""

import copy
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves
from transformers import PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import BaseModelOutputWithPoolingAndCrossAttentions

from .dry_run import can_be_tried, made_up_ids, same_logits, undisturbed
from .heads import rows_of_logits
from .outputs import logits_of
from .row_forward import RowForward
from .task import encoder_of, uncompiled, without_adapters

logger = logging.getLogger(__name__)


def head_logits(model: nn.Module, states: Tensor) -> Tensor:
    """Run a model's vocabulary head, and nothing else of it, on what `RowForward.head_inputs` has kept.

    The model's own forward is called, with an encoder that answers with the states. It is run as it was before
    `torch.compile`; gradients and precision are the caller's.

    Args:
        model: A masked language model of which `can_run_alone` is true, or what `head_alone` has made of one.
        states: `[rows, hidden]`, on the head's device and in its dtype.

    Returns:
        `[rows, vocabulary]`, those that the model would have given.

    Raises:
        ValueError: Nothing says what the head stands on.
    """
    encoder = encoder_of(model)
    if encoder is None:
        raise ValueError(
            f"head_logits expects a model with an encoder that its head stands on, but {_class_of(model)} has none "
            "that it names, so its head cannot be run by itself. Ask can_run_alone first."
        )

    ids = torch.zeros(1, states.shape[0], dtype=torch.int64, device=states.device)
    with _answering(encoder, states), torch.compiler.set_stance("force_eager"):
        return logits_of(without_adapters(model)(input_ids=ids), "the vocabulary head")


def can_run_alone(model: nn.Module) -> bool:
    """Tell whether a model's vocabulary head gives the same logits by itself, in its model and in a shell of its own.

    It is tried with a few made-up tokens; the model stays as it is. False for a model that is no masked language
    model, whose head cannot be found or reads more than one state per token (encoder-decoders, Perceiver), or that
    lies on the "meta" device, and for adapters in the head. Adapters in the encoder are no hindrance.

    Args:
        model: Any model, PEFT-wrapped or not, before or after `SelectedHead` was made of it.
    """
    inner = without_adapters(model)

    try:
        with undisturbed(model):
            states, expected = _made_up_inputs(model)
            shell = head_alone(type(inner), inner.config, head_state(model))
            return all(same_logits(head_logits(each, states), expected) for each in (model, shell))
    except Exception as error:
        logger.info("The vocabulary head of %s cannot be run alone: %s", _class_of(model), error)
        return False


def head_state(model: nn.Module) -> dict[str, Tensor]:
    """Return what a vocabulary head reads: its own weights, and those that it shares with the embeddings.

    Args:
        model: A masked language model of which `can_run_alone` is true.

    Returns:
        By names of the model's state dict, those by which the head reads them; not copied.
    """
    inner = without_adapters(model)
    shell = _without_weights(type(inner), inner.config)
    tensors = dict(_named_tensors(inner))

    with undisturbed(model):
        states, _ = _made_up_inputs(model)
        with _Read() as read:
            head_logits(shell, states.to("meta"))

    names = [each for key, each in _names_by_tensor(shell).items() if key in read.tensors]
    wanted = [_own_name(each, inner.base_model_prefix) for each in names]
    return {name: tensors[name].detach() for name in wanted}


def head_alone(
    model_class: type[PreTrainedModel], config: PretrainedConfig, state: Mapping[str, Tensor]
) -> PreTrainedModel:
    """Make a model that holds a vocabulary head and nothing else, for `head_logits`.

    Everything else of it lies on the "meta" device and cannot be run or moved: give it a state that lies where the
    head is to run.

    Args:
        model_class: The class of the model that the head is from, without adapters.
        config: Its configuration, which is copied.
        state: What `head_state` gave; it is not copied.

    Returns:
        The shell, frozen and in eval mode. `heads_agree` tells whether it does what the model does.

    Raises:
        ValueError: The class knows nothing of that name.
    """
    shell = _without_weights(model_class, config)
    names = list(_names_by_tensor(shell).values())

    if unknown := sorted(state.keys() - {name for each in names for name in each}):
        raise ValueError(
            f"head_alone expects the weights of a {model_class.__name__}, but it has none of the name {unknown[0]!r}, "
            "so its head would not be the one that was kept. Give it the class that head_state was called with."
        )
    for each in names:
        tensor = next((state[name] for name in each if name in state), None)
        if tensor is not None:
            _put(shell, each, tensor)

    return shell.requires_grad_(False).eval()


def heads_agree(model: nn.Module, shell: nn.Module) -> bool:
    """Tell whether a shell gives the logits of a model, for a few made-up tokens.

    Args:
        model: The model; it stays as it is.
        shell: What `head_alone` made, on any device.
    """
    device = next((weight.device for weight in shell.parameters() if not weight.is_meta), None)

    try:
        with undisturbed(model):
            states, expected = _made_up_inputs(model)
            return same_logits(head_logits(shell, states.to(device)).to(expected.device), expected)
    except Exception as error:
        logger.info("The vocabulary head of %s does not run by itself: %s", _class_of(model), error)
        return False


def _made_up_inputs(model: nn.Module) -> tuple[Tensor, Tensor]:
    """Return what the head is given at some rows of a made-up text, and the logits there of a forward of all rows."""
    if not can_be_tried(model):
        raise ValueError("a short text would change it for good, or its weights are not there")
    forward = RowForward(model, "the model")

    ids = made_up_ids(model, forward.limits)
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    rows = torch.zeros_like(ids, dtype=torch.bool)
    rows[:, 1::3] = True

    outputs = forward.run(uncompiled(model), inputs, None, output_hidden_states=False)
    states, _ = forward.head_inputs(uncompiled(model), inputs, rows)
    return states, rows_of_logits(logits_of(outputs, "the model"), rows)


class _Read(TorchFunctionMode):
    """Notes which tensors are read."""

    def __init__(self) -> None:
        super().__init__()
        self.tensors: set[int] = set()

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        self.tensors.update(id(each) for each in tree_leaves((args, kwargs)) if isinstance(each, Tensor))
        return func(*args, **kwargs)


@contextmanager
def _answering(encoder: nn.Module, states: Tensor) -> Iterator[None]:
    """Have an encoder answer with given states, whatever it is asked."""
    own = vars(encoder).get("forward")  # accelerate puts one there
    answer = BaseModelOutputWithPoolingAndCrossAttentions(last_hidden_state=states)
    encoder.forward = lambda *args, **kwargs: answer

    try:
        yield
    finally:
        del encoder.forward
        if own is not None:
            encoder.forward = own


def _without_weights(model_class: type[PreTrainedModel], config: PretrainedConfig) -> PreTrainedModel:
    with torch.random.fork_rng(devices=[]), torch.device("meta"):
        return model_class(copy.deepcopy(config))


def _named_tensors(model: nn.Module) -> list[tuple[str, Tensor]]:
    """Return every parameter and buffer by each of its names."""
    return [*model.named_parameters(remove_duplicate=False), *model.named_buffers(remove_duplicate=False)]


def _names_by_tensor(model: nn.Module) -> dict[int, list[str]]:
    """Return the names of every parameter and buffer, those of tied ones together."""
    names: dict[int, list[str]] = {}
    for name, tensor in _named_tensors(model):
        names.setdefault(id(tensor), []).append(name)

    return names


def _own_name(names: list[str], encoder: str) -> str:
    """Return the head's own name for what it may share with its encoder: there alone it may have been untied."""
    return next((name for name in names if not name.startswith(f"{encoder}.")), names[0])


def _put(model: nn.Module, names: list[str], tensor: Tensor) -> None:
    """Put one tensor in a model under all its names."""
    parameter = nn.Parameter(tensor, requires_grad=False)

    for name in names:
        path, _, leaf = name.rpartition(".")
        module = model.get_submodule(path)
        setattr(module, leaf, parameter if leaf in module._parameters else tensor)


def _class_of(model: nn.Module) -> str:
    return type(without_adapters(model)).__name__
