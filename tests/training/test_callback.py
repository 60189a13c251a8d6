import pytest
import torch
from transformers import TrainerState

from hf_multiteacher.training.callback import DistillationCallback


@pytest.fixture
def callback():
    return DistillationCallback()


def test_means_are_over_steps_and_start_anew_after_each_log(callback):
    for parts in ([1.0, 2.0], [4.0, 5.0]):
        callback.on_step_begin(None, None, None)
        for part, end in zip(parts, (callback.on_substep_end, callback.on_step_end), strict=True):
            callback.latest = {"soft_loss": torch.tensor(9.0)}  # an override has computed another loss before
            callback.latest = {"soft_loss": torch.tensor(part, requires_grad=True)}
            end(None, None, None)
            assert callback.latest is None
    assert callback.take_means(lambda sums: 2 * sums) == {"soft_loss": 12.0}
    assert callback.take_means(lambda sums: sums) == {}
    callback.on_step_begin(None, None, None)
    callback.latest = {"soft_loss": torch.tensor(3.0)}
    callback.on_step_end(None, None, None)
    assert callback.take_means(lambda sums: sums) == {"soft_loss": 3.0}


def test_a_step_begins_without_gradients_of_projections(callback):
    weight = torch.nn.Parameter(torch.ones(2))
    weight.grad = torch.ones(2)
    callback.on_optimizer_step(None, None, None, optimizer=torch.optim.SGD([weight], lr=1.0))
    callback.on_step_begin(None, None, None)
    assert weight.grad is None


def test_a_run_begins_without_sums(callback):
    callback.on_step_begin(None, None, None)
    callback.latest = {"soft_loss": torch.tensor(1.0)}
    callback.on_step_end(None, None, None)
    callback.on_train_begin(None, TrainerState(epoch=2.5), None)
    assert (callback.sums, callback.steps, callback.epoch) == ({}, 0, 2)
