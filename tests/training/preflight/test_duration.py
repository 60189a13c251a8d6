"""How many steps, evaluations and seconds."""

import pytest

from helpers.toys import make_toy, make_trainer
from hf_multiteacher.training.preflight.duration import Length, duration_finding, large_batch
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
    finding = duration_finding(Length(100, 50, 2), Trial(0.5, 0.4, {}, 8, 8), 3.0, 1)
    assert (finding.figures["training_seconds"], finding.figures["seconds"]) == (50, 59)
    assert "0.5 s per step, 25 s per epoch, 59 s in all for 100 steps, 9 s of it for evaluations (3)" in finding.says
    assert "Extrapolated" not in finding.says


def test_time_that_was_extrapolated_is_called_so():
    finding = duration_finding(Length(100, 50, 2), Trial(0.5, 0.4, {}, 8, 1200), 3.0, 1)
    assert finding.says.endswith("Extrapolated from 8 of the 1,200 examples of a batch.")


@pytest.mark.parametrize(("batch", "accumulated", "warns"), [(72, 1, False), (73, 1, True), (36, 3, True)])
def test_a_step_that_asks_for_more_examples_than_there_are_is_a_warning(tmp_path, batch, accumulated, warns):
    settings = {"per_device_train_batch_size": batch, "gradient_accumulation_steps": accumulated}
    args = make_trainer(make_toy("single-label"), tmp_path, **settings).args
    finding = large_batch(args, 72, Length(3, 1, 0))
    assert (finding is not None) == warns and large_batch(args, None, Length(3, None, 0)) is None
    if finding is not None:
        asked = batch * accumulated
        assert finding.says == f"a step takes {asked} examples, but there are 72: one step per epoch, 3 in all."
        assert finding.level == "warning" and "smaller per_device_train_batch_size" in finding.do
