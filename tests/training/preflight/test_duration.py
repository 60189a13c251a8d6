"""How many steps, evaluations and seconds."""

import pytest

from helpers.toys import make_toy, make_trainer
from hf_multiteacher.training.preflight.duration import Length, duration_finding
from hf_multiteacher.training.preflight.trial import Trial


@pytest.mark.parametrize(
    "changes",
    [
        {"num_train_epochs": 1.5, "gradient_accumulation_steps": 4},
        {"num_train_epochs": 2, "per_device_train_batch_size": 10, "eval_strategy": "epoch"},
        {"max_steps": 7, "eval_strategy": "steps", "eval_steps": 2},
        {"max_steps": 10, "eval_strategy": "steps", "eval_steps": 0.25},
    ],
)
def test_steps_and_evaluations_are_those_of_the_training(changes, tmp_path):
    trainer = make_trainer(make_toy("single-label"), tmp_path, **{"max_steps": -1, "report_loyalty": False, **changes})
    length = Length.of(trainer.args, 96)
    trainer.train()
    assert length.steps == trainer.state.max_steps == trainer.state.global_step
    assert length.evaluations == sum("eval_loss" in entry for entry in trainer.state.log_history)
    assert length.epochs == pytest.approx(trainer.state.epoch, abs=0.2)


def test_time_is_that_of_all_steps_and_evaluations():
    finding = duration_finding(Length(100, 50, 2), Trial(0.5, 0.4, {}, 8), 3.0, 1)
    assert (finding.figures["training_seconds"], finding.figures["seconds"]) == (50, 59)
    assert "0.5 s per step, 25 s per epoch, 59 s in all for 100 steps, 9 s of it for evaluations (3)" in finding.says
