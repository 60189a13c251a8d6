"""A tiny forward when a run is set up: whether a model answers with what the run is going to read."""

import inspect
import logging
import re
from typing import Any

import torch
from torch import Tensor, nn

from .dry_run import LENGTH, can_be_tried, made_up_ids, undisturbed
from .limits import UNLIMITED, counts_from_padding
from .outputs import HiddenStates, logits_of
from .row_forward import RowForward
from .task import adapters_of, prompts_of, task_of, uncompiled, without_adapters

logger = logging.getLogger(__name__)
LEFT_OUT_BY_CHANCE = ("layerdrop", "encoder_layerdrop", "decoder_layerdrop")
"""The probabilities with which models leave a layer out in training."""


def expect_readable(model: nn.Module, forward: RowForward, *, hidden_states: bool) -> None:
    """Refuse a model whose answers cannot be compared, before a run begins.

    What transformers' own classes answer with is known, hidden states apart: they are not run without need.

    Args:
        model: The model, where it is to run; its modes, its weights and the generators stay as they are.
        forward: Its forward.
        hidden_states: Whether the run compares hidden states.

    Raises:
        ValueError: The model needs labels or a padding id, takes nothing by name, its logits are not one per row, or
            its hidden states not one per token and layer.
    """
    _expect_no_need_of_labels(model, forward.title)
    _expect_names(model, forward)
    _expect_padding_to_count_from(model, forward)
    if hidden_states:
        _expect_no_blocks(model, forward.title)
    if not (hidden_states or _is_of_unknown_class(model) or prompts_of(model)):
        return

    answer = _answer(model, forward, hidden_states)
    if answer is None:
        return

    logits, states = answer
    _expect_classes(model, logits, forward.title)
    if states is not None:
        _expect_layers(model, states, forward.name)


def uses_every_weight(model: nn.Module, forward: RowForward) -> bool:
    """Tell whether a model's logits depend on all weights that are trained, whatever the text.

    Args:
        model: The model, where it is to run; its modes, its weights and the generators stay as they are.
        forward: Its forward.

    Returns:
        False too where that cannot be told, as of a model that leaves layers out by chance.
    """
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    by_chance = any(getattr(without_adapters(model).config, name, 0) for name in LEFT_OUT_BY_CHANCE)
    if by_chance or not can_be_tried(model):
        return False

    ids = made_up_ids(model, forward.limits)
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    try:
        with undisturbed(model), torch.enable_grad():
            logits = logits_of(forward.run(uncompiled(model), inputs, None, output_hidden_states=False), forward.name)
            gradients = torch.autograd.grad(logits.sum(), weights, allow_unused=True)
    except Exception as error:
        logger.info("%s does not run on made-up tokens: %s", forward.title, error)
        return False

    return all(gradient is not None for gradient in gradients)


def _answer(model: nn.Module, forward: RowForward, hidden_states: bool) -> tuple[Tensor, HiddenStates | None] | None:
    """Return the logits of a made-up text, and the hidden states; None where that does not run."""
    ids = made_up_ids(model, forward.limits)
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    tokens = torch.ones_like(ids, dtype=torch.bool) if task_of(model).token_level else None

    try:
        with undisturbed(model):
            outputs = forward.run(uncompiled(model), inputs, None, output_hidden_states=hidden_states)
    except Exception as error:
        if prompts_of(model) or "unexpected keyword" in str(error):
            raise ValueError(_cannot_be_run(model, forward.title, error)) from error
        # It may need inputs that only the data set has; if not, the first step tells.
        logger.info("%s does not run on made-up tokens: %s", forward.title, error)
        return None

    return forward.read(outputs, inputs, tokens, output_hidden_states=hidden_states)


def _is_of_unknown_class(model: nn.Module) -> bool:
    return not type(without_adapters(model)).__module__.startswith("transformers.models.")


# ---- What is refused ----


def _cannot_be_run(model: nn.Module, name: str, error: Exception) -> str:
    adapters = adapters_of(model)
    around = "" if adapters is None else f" in its {type(adapters.active_peft_config).__name__}"
    reason = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"

    asked = re.search(r"unexpected keyword argument '(\w+)'", str(error))
    remedy = f"Have its forward take {asked[1]}, or **kwargs" if asked else "Use another adapter"

    return (
        f"{name} ({type(without_adapters(model)).__name__}{around}) cannot be run on input_ids and attention_mask, so "
        f"there are no answers to compare ({reason}). {remedy}."
    )


def _expect_no_need_of_labels(model: nn.Module, name: str) -> None:
    labels = inspect.signature(without_adapters(model).forward).parameters.get("labels")
    if labels is not None and labels.default is labels.empty:
        raise ValueError(
            f"{name} is run without labels, because its own loss is never used, but the forward of "
            f"{type(without_adapters(model)).__name__} demands them. Give them a default: labels=None."
        )


def _expect_names(model: nn.Module, forward: RowForward) -> None:
    if not forward.limits.inputs:
        raise ValueError(
            f"{forward.title} is given what it reads by name, but the forward of "
            f"{type(without_adapters(model)).__name__} takes nothing by name. Have it take input_ids and "
            "attention_mask, or **kwargs."
        )


def _expect_padding_to_count_from(model: nn.Module, forward: RowForward) -> None:
    config = without_adapters(model).config
    has_positions = forward.limits.positions < UNLIMITED

    if has_positions and counts_from_padding(config) and forward.limits.padding_id is None:
        raise ValueError(
            f"{forward.title} ({config.model_type}) counts its positions from its padding id on, but was made without "
            "one (pad_token_id=None), so it cannot read any text. Set pad_token_id in its configuration, as its "
            "tokenizer has it, and load it anew."
        )


def _expect_no_blocks(model: nn.Module, name: str) -> None:
    # Not tried out: BigBird turns to full attention for good where a text is short.
    if getattr(without_adapters(model).config, "attention_type", None) == "block_sparse":
        raise ValueError(
            f"{name} pads its hidden states to whole blocks (attention_type='block_sparse'), but hidden_state_weight "
            "compares one per token. Load it with attention_type='original_full', or set hidden_state_weight to 0."
        )


def _expect_classes(model: nn.Module, logits: Tensor, name: str) -> None:
    """Refuse logits of other classes than the labels that the configuration names."""
    task, labels = task_of(model), without_adapters(model).config.num_labels
    if task.over_vocabulary or (logits.dim() == 2 and logits.shape[-1] == labels) or logits.shape == (labels,) == (1,):
        return

    raise ValueError(
        f"{name} must give [{task.row}s, {labels}] logits, one per label, but for one text of {LENGTH} tokens it "
        f"gives {list(logits.shape)}. Have its forward return 'logits', or a tuple that begins with them."
    )


def _expect_layers(model: nn.Module, states: HiddenStates, name: str) -> None:
    """Refuse hidden states that the configuration does not count, so that `layer_map` would name others."""
    config: Any = without_adapters(model).config
    layers, size = (getattr(config, each, None) for each in ("num_hidden_layers", "hidden_size"))
    sizes = [state.shape[-1] for state in states]

    if layers is None or sizes != [size] * (layers + 1):
        raise ValueError(
            "hidden_state_weight expects the hidden states of the embeddings and of each layer, but where its "
            f"configuration tells of {layers} layers of size {size}, {name} gives {len(states)} of the sizes "
            f"{sorted({*sizes})}: layer_map would name others. Set hidden_state_weight to 0."
        )
