"""Dropping rows in an encoder's last layer, behind its attention, where that is seen to change nothing."""

import logging
from typing import NamedTuple

import torch
from torch import Tensor, nn

from .dry_run import can_be_tried, made_up_ids, same_logits, undisturbed
from .limits import Limits
from .outputs import hidden_states_of, logits_of
from .row_selection import AfterAttention, BeforeEncoder, RowSelection
from .task import encoder_of, prompts_of, uncompiled, without_adapters

logger = logging.getLogger(__name__)

# In the last layer of: BERT and most others; DistilBERT; MPNet. Where each works is tried out, never trusted.
_ENDS_OF_ATTENTION = ("attention.output", "sa_layer_norm", "attention.LayerNorm")


class LastLayer(NamedTuple):
    """The last layer of an encoder.

    Attributes:
        around: The encoder, and whatever lies between it and the end of the attention, the layer among it.
        end: What ends the attention.
    """

    around: list[nn.Module]
    end: nn.Module

    @property
    def runs_again(self) -> bool:
        """Whether it is run a second time in the backward, when nobody knows any more which rows were wanted."""
        return any(getattr(each, "gradient_checkpointing", False) and each.training for each in self.around)


def last_layer_that_drops_rows(model: nn.Module) -> LastLayer | None:
    """Return the last layer of a model where it drops rows; None where it does not, or another one would too."""
    encoder = encoder_of(model)
    if encoder is None:
        return None

    last_layer = _last_layer_of(encoder)
    drops = [module for module in encoder.modules() if _drops_rows(module)]
    return last_layer if last_layer is not None and drops == [last_layer.end] else None


def drop_rows_in_last_layer(model: nn.Module, selection: RowSelection) -> None:
    """Have the last layer of a masked language model drop rows, where a trial shows that this changes nothing.

    Args:
        model: Its head drops them already, those that it is still given.
        selection: What both go by.
    """
    encoder = encoder_of(model)
    last_layer = None if encoder is None else _last_layer_of(encoder)
    if encoder is None or last_layer is None or prompts_of(model) or not can_be_tried(model):
        return

    handles = [
        encoder.register_forward_pre_hook(BeforeEncoder(selection), with_kwargs=True),
        last_layer.end.register_forward_hook(AfterAttention(selection)),
    ]
    if not _changes_nothing(model, last_layer.end, selection):
        for handle in handles:
            handle.remove()


# ---- Where it is ----


def _last_layer_of(encoder: nn.Module) -> LastLayer | None:
    """Return the last layer of an encoder that has one stack of layers; None where none is known."""
    stacks = [name for name, module in encoder.named_modules() if _is_stack(module)]
    if len(stacks) != 1:
        return None

    parts = stacks[0].split(".")
    above = [encoder.get_submodule(".".join(parts[:depth])) for depth in range(len(parts) + 1)]
    layer = list(above[-1].children())[-1]
    end = _end_of_attention(layer)
    return None if end is None else LastLayer([*above, layer], end)


def _is_stack(module: nn.Module) -> bool:
    return isinstance(module, nn.ModuleList) and len(module) > 0 and _end_of_attention(module[-1]) is not None


def _end_of_attention(layer: nn.Module) -> nn.Module | None:
    modules = dict(layer.named_modules())
    return next((modules[path] for path in _ENDS_OF_ATTENTION if path in modules), None)


def _drops_rows(module: nn.Module) -> bool:
    return any(isinstance(hook, AfterAttention) for hook in module._forward_hooks.values())


# ---- Whether it works ----


def _changes_nothing(model: nn.Module, end: nn.Module, selection: RowSelection) -> bool:
    """Compare a made-up text's logits with those where the rows are dropped at the head."""
    ids = made_up_ids(model, Limits.of(model))
    dimensions: list[int] = []
    note = end.register_forward_hook(lambda module, args, output: dimensions.append(output.dim()))

    try:
        with undisturbed(model):
            expected, logits = (_logits(model, ids, selection, early=early) for early in (False, True))
    except Exception as error:
        logger.info("The last layer of %s is run on all tokens: %s", type(without_adapters(model)).__name__, error)
        return False
    finally:
        note.remove()

    # Otherwise nothing was dropped there, in this text: in another one it might be.
    return dimensions == [3, 2] and same_logits(logits, expected)


def _logits(model: nn.Module, ids: Tensor, selection: RowSelection, *, early: bool) -> Tensor:
    """Return the logits of some tokens; hidden states are refused by name, which is how they would be asked for."""
    rows = torch.zeros_like(ids, dtype=torch.bool)
    rows[:, 1::3] = True
    selection.want(rows, None, may_be_early=early, states_by_default=True)

    try:
        mask = torch.ones_like(ids)
        outputs = uncompiled(model)(input_ids=ids, attention_mask=mask, output_hidden_states=False)
    finally:
        selection.clear()

    if hidden_states_of(outputs) is not None:
        raise ValueError("it gives hidden states that nobody has asked for, which would not be whole")
    return logits_of(outputs, "the model")
