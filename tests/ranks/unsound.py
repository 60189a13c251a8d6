"""What a rank does where the other one meets NaN, or has it."""

import logging
import math

import torch
from torch import nn
from torch.distributed import ReduceOp, all_reduce

from helpers.toys import largest_difference, make_toy, make_trainer, weights_of
from hf_multiteacher.training.finite_steps import NotFiniteError, expect_finite_weights


def stop_by_nan(rank: int, folder: str) -> None:
    """Train with a teacher that answers NaN on rank 1 alone, and print how it ended."""
    logging.disable(logging.WARNING)
    toy = make_toy("tagging")
    if rank == 1:
        toy.teachers[1].model.register_forward_hook(_nan)

    settings = {"per_device_train_batch_size": 4, "gradient_accumulation_steps": 2, "max_steps": 3}
    trainer = make_trainer(toy, folder, ddp_backend="gloo", **settings)
    before = weights_of(trainer)
    try:
        trainer.train()
    except NotFiniteError as error:
        print(f"{type(error).__name__}: {error}")

    moved = int(largest_difference(before, weights_of(trainer)) > 0)
    print("no step," if trainer.state.global_step == 0 else "a step,", f"{moved} weights moved")


def _nan(module, inputs, output):
    output.logits = output.logits * math.nan


def look_at_weights(rank: int) -> None:
    """Look for NaN in weights of which rank 1 alone has any."""
    model = nn.Linear(2, 2)
    if rank == 1:
        with torch.no_grad():
            model.bias[0] = math.nan

    def over_ranks(tensor):
        all_reduce(tensor, ReduceOp.SUM)
        return tensor

    try:
        expect_finite_weights(model, "nothing is saved", over_ranks)
    except NotFiniteError as error:
        print(f"{type(error).__name__}: {error}")
