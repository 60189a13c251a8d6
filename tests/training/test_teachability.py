import json

import pytest
import torch

from helpers.toys import TASKS, largest_difference, make_toy, make_trainer, weights_of

SHORT = {"examples": 48, "max_steps": 12, "logging_steps": 1, "teacher_weighting": "teachable"}


def expected_weights(entries, fixed):
    """The weights of both teachers in every step, from the losses that were logged before it."""
    running, weights = None, []
    for entry in entries:
        shares = [fixed[k] / (running[k] if running else 1) for k in range(2)]
        weights.append([share / sum(shares) for share in shares])
        means = [entry[f"soft_loss/{name}"] for name in ("first", "second")]
        running = [0.98 * old + 0.02 * new for old, new in zip(running or means, means, strict=True)]
    return weights


@pytest.mark.parametrize("task", TASKS)
def test_weights_follow_the_losses_of_the_steps_before(task, pair, tmp_path):
    toy = make_toy(task, pair, torch.float64, same_tokenizer=True, **SHORT, teacher_weights=[3, 1])
    trainer = make_trainer(toy, tmp_path, per_device_train_batch_size=4, gradient_accumulation_steps=4)
    trainer.train()
    entries = [entry for entry in trainer.state.log_history if "loss" in entry]
    found = [[entry[f"teacher_weight/{name}"] for name in ("first", "second")] for entry in entries]
    assert found == [pytest.approx(each, rel=1e-4) for each in expected_weights(entries, [0.75, 0.25])]
    assert len({weights[0] for weights in found}) == 12


def test_a_resume_goes_on_with_what_was_known(pair, tmp_path):
    toy = make_toy("tagging", pair, **SHORT, save_strategy="steps", save_steps=5)
    whole, resumed = (make_trainer(toy, tmp_path) for _ in range(2))
    whole.train()
    kept = json.loads((tmp_path / "checkpoint-5" / "teachability.json").read_text())
    assert list(kept) == ["first", "second"]
    resumed.train(resume_from_checkpoint=str(tmp_path / "checkpoint-5"))
    assert largest_difference(weights_of(whole), weights_of(resumed)) == 0

    resumed.train()
    assert resumed.state.log_history[0]["teacher_weight/first"] == 0.5, "a new training starts anew"


def test_a_teacher_without_a_row_in_a_step_is_as_teachable_as_before(pair, tmp_path):
    toy = make_toy("single-label", pair, **SHORT | {"max_steps": 2})
    data = toy.train.select(range(32)).add_column("taught_by", [["first"]] * 16 + [["first", "second"]] * 16)
    trainer = make_trainer(toy, tmp_path, train_dataset=data, train_sampling_strategy="sequential")
    trainer.train()
    losses = trainer.state.log_history[1]["soft_loss/second"], trainer._teachability.losses[1].item()
    assert losses[0] == pytest.approx(losses[1])
