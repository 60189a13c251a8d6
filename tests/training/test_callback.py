from types import SimpleNamespace

import pytest
import torch
from torch import nn
from transformers import TrainerState

from hf_multiteacher.training.callback import StepKeeper


@pytest.fixture
def keeper():
    return StepKeeper(SimpleNamespace(data_collator=None, projections=[nn.Parameter(torch.ones(2))]))


def test_means_are_over_steps_and_start_anew_after_each_log(keeper):
    for parts in ([1.0, 2.0], [4.0, 5.0]):
        keeper.on_step_begin(None, None, None)
        for part in parts:
            keeper.add({"soft_loss": torch.tensor(part, requires_grad=True)})
    assert keeper.take_means(lambda sums: 2 * sums) == {"soft_loss": 12.0}
    assert keeper.take_means(lambda sums: sums) == {}
    keeper.on_step_begin(None, None, None)
    keeper.add({"soft_loss": torch.tensor(3.0)})
    assert keeper.take_means(lambda sums: sums) == {"soft_loss": 3.0}


def test_a_step_begins_without_gradients_of_projections(keeper):
    (weight,) = keeper.trainer.projections
    weight.grad = torch.ones(2)
    keeper.on_step_begin(None, None, None)
    assert weight.grad is None


def test_a_run_begins_without_sums(keeper):
    keeper.on_step_begin(None, None, None)
    keeper.add({"soft_loss": torch.tensor(1.0)})
    keeper.on_train_begin(None, TrainerState(epoch=2.5), None)
    assert (keeper.sums, keeper.steps, keeper.epoch) == ({}, 0, 2)
