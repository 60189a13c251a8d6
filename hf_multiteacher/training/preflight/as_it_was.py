"""Gives a trainer back as it was, whatever was tried with it in between."""

import copy
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from transformers import Trainer
from transformers.trainer_callback import DefaultFlowCallback

from ..callback import DistillationCallback
from ..finite_steps import FiniteSteps

NEEDED = (DefaultFlowCallback, DistillationCallback, FiniteSteps)
"""The callbacks that a step needs; others write, report or draw."""


@contextmanager
def as_it_was(trainer: Trainer) -> Iterator[int]:
    """Around a trial: afterwards the student, its projections, the arguments and all random generators are as before.

    Inside the block nobody is told of what happens, and no teacher's output is kept.

    Args:
        trainer: Before its training or after it.

    Yields:
        The bytes that are held to bring the weights back.
    """
    attributes, model = dict(vars(trainer)), cast(nn.Module, trainer.model)
    teachers, projections = (attributes.get(name) for name in ("teachers", "_projections"))
    modules = [model] if projections is None else [model, projections]
    weights = [(weight, weight.detach().to("cpu", copy=True)) for module in modules for weight in _weights(module)]
    training, own_forward = model.training, model.__dict__.get("forward")
    kept = getattr(teachers, "kept", None)

    try:
        with _same_random_numbers():
            _stand_alone(trainer)
            if kept:
                cast(Any, teachers).kept = []
            yield sum(each.numel() * each.element_size() for _, each in weights)
    finally:
        trainer.accelerator.free_memory()
        vars(trainer).clear()
        vars(trainer).update(attributes)
        if kept:
            cast(Any, teachers).kept = kept
        _bring_back(model, weights, own_forward)
        model.train(training)


def _weights(module: nn.Module) -> list[Tensor]:
    """Return what steps can change."""
    return [*(weight for weight in module.parameters() if weight.requires_grad), *module.buffers()]


def _stand_alone(trainer: Any) -> None:
    """Give a trainer arguments and callbacks that it may change."""
    trainer.args, trainer.control = copy.copy(trainer.args), copy.copy(trainer.control)
    trainer.model_init = None  # the student that is there is the one to try

    handler = copy.copy(trainer.callback_handler)
    handler.callbacks = []
    for callback in trainer.callback_handler.callbacks:
        if isinstance(callback, NEEDED):
            own = copy.copy(callback)
            handler.callbacks.append(own)
            for name in [name for name, value in vars(trainer).items() if value is callback]:
                setattr(trainer, name, own)
    trainer.callback_handler = handler


def _bring_back(model: nn.Module, weights: list[tuple[Tensor, Tensor]], own_forward: Any) -> None:
    """Undo what steps have done to the weights, and accelerate to the forward that it runs in mixed precision."""
    with torch.no_grad():
        for weight, before in weights:
            weight.copy_(before)
            weight.grad = None

    model.__dict__.pop("_original_forward", None)
    model.__dict__.pop("forward", None)
    if own_forward is not None:
        model.__dict__["forward"] = own_forward


@contextmanager
def _same_random_numbers() -> Iterator[None]:
    """Give back all random generators as they were."""
    python, numpy = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)
