import pytest
import torch

from helpers.toys import TASKS, largest_difference, make_toy, make_trainer, weights_of
from hf_multiteacher import MultiTeacherDistillationTrainer
from hf_multiteacher.losses.functional import renormalise

TURNS = {"1": ["second"], "3": ["second", "first"]}
SHORT = {"examples": 48, "max_steps": 12, "logging_steps": 3}  # three steps an epoch


class ByTheEpoch(MultiTeacherDistillationTrainer):
    """Follows the second teacher alone in the epochs 1 and 2."""

    def compute_teacher_weights(self, teacher_logits, labels, available):
        first = 0.0 if 1 <= self.state.epoch < 3 else 0.5
        return renormalise(torch.tensor([[first], [0.5]], device=available.device), available)


@pytest.mark.parametrize("task", TASKS)
def test_teachers_in_turn_are_teachers_of_weight_0_until_their_turn(task, pair, tmp_path):
    toy = make_toy(task, pair, **SHORT)
    runs = [
        make_trainer(toy, tmp_path, teacher_schedule=TURNS),
        make_trainer(toy, tmp_path, trainer=ByTheEpoch),
        make_trainer(toy, tmp_path),
    ]
    for each in runs:
        each.train()
    assert largest_difference(*(weights_of(each) for each in runs[:2])) < 1e-7
    assert largest_difference(*(weights_of(each) for each in runs[1:])) > 1e-6
    weights = [entry["teacher_weight/first"] for entry in runs[0].state.log_history if "loss" in entry]
    assert weights[0] > 0 and weights[3] > 0 and weights[1] == weights[2] == 0


def test_hidden_states_are_compared_with_those_that_speak(pair, tmp_path):
    toy = make_toy("tagging", pair, **SHORT, hidden_state_weight=0.5)
    trainer = make_trainer(toy, tmp_path, teacher_schedule={"0": ["second"], "2": ["first"]}, teacher_weights=[3, 1])
    trainer.train()
    entries = [entry for entry in trainer.state.log_history if "loss" in entry]
    spoken = ["second", "second", "first", "first"]
    assert [each["hidden_loss"] for each in entries] == pytest.approx(
        [each[f"hidden_loss/{name}"] for each, name in zip(entries, spoken, strict=True)]
    )


def test_a_resume_in_mid_epoch_goes_on_with_those_whose_turn_it_is(pair, tmp_path):
    toy = make_toy("single-label", pair, **SHORT, teacher_schedule=TURNS)
    whole = make_trainer(toy, tmp_path, save_strategy="steps", save_steps=4)
    whole.train()
    resumed = make_trainer(toy, tmp_path)
    resumed.train(resume_from_checkpoint=str(tmp_path / "checkpoint-4"))
    assert largest_difference(weights_of(whole), weights_of(resumed)) == 0
    with pytest.raises(ValueError, match=r"arguments.teacher_schedule.1 was \['second'\] and is None"):
        make_trainer(toy, tmp_path, teacher_schedule={"3": ["second", "first"]}).train(
            resume_from_checkpoint=str(tmp_path / "checkpoint-4")
        )


@pytest.mark.parametrize("names", [["third"], [], ["second"]])
def test_a_schedule_names_teachers_that_are_followed(names, pair, tmp_path):
    toy = make_toy("single-label", pair, teacher_weights=[1, 0])
    with pytest.raises(ValueError, match=r"which of \['first'\] speak from an epoch on, but for epoch 1"):
        make_trainer(toy, tmp_path, teacher_schedule={"0": ["first"], "1": names})
