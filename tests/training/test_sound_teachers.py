"""A teacher that answers NaN or infinity: the step is refused by its name, or nothing changes if nobody hears it."""

import copy
import math

import pytest
import torch

from helpers.toys import largest_difference, make_toy, make_trainer, weights_of
from hf_multiteacher.training.sound_teachers import SoundTeachers, UnsoundTeacherError

BAD = "Teacher 'second' answered NaN or infinity"


def spoil(toy, value, where=None):
    """Have the second teacher answer with a value, on all rows or in one class."""

    def answer(module, inputs, output):
        logits = output.logits.clone()
        logits[..., slice(None) if where is None else where] = value
        output.logits = logits
        return output

    toy.teachers[1].model.register_forward_hook(answer)
    return toy


@pytest.mark.parametrize("task", ["masked-lm", "tagging", "single-label", "multi-label", "regression"])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_it_stops_the_training_before_the_step_and_is_named(tmp_path, task, value):
    trainer = make_trainer(spoil(make_toy(task), value), tmp_path, max_steps=2)
    before = weights_of(trainer)
    with pytest.raises(UnsoundTeacherError, match=BAD):
        trainer.train()
    assert largest_difference(before, weights_of(trainer)) == 0
    assert trainer.state.global_step == 0


def test_one_batch_among_the_accumulated_ones_is_enough(tmp_path):
    toy = make_toy("tagging")
    calls = []

    def answer(module, inputs, output):
        calls.append(output)
        if len(calls) == 2:
            output.logits = output.logits * math.nan

    toy.teachers[1].model.register_forward_hook(answer)
    trainer = make_trainer(toy, tmp_path, gradient_accumulation_steps=4, per_device_train_batch_size=4)
    with pytest.raises(UnsoundTeacherError, match=BAD):
        trainer.train()
    assert len(calls) == 4


def test_nothing_is_left_over_from_one_step_to_the_next():
    callback = SoundTeachers(["a"], at_once=False)
    callback.add(torch.tensor([True]))
    callback.on_step_begin(None, None, None)
    callback.add(torch.tensor([False]))
    callback.on_pre_optimizer_step(None, None, None)


def test_where_the_optimizer_steps_in_the_backward_pass_every_batch_is_waited_for():
    with pytest.raises(UnsoundTeacherError, match="Teacher 'b' answered"):
        SoundTeachers(["a", "b"], at_once=True).add(torch.tensor([False, True]))


@pytest.mark.parametrize(
    "arguments",
    [
        {"ensemble": "per_teacher"},
        {"ensemble": "probabilities"},
        {"ensemble": "logits"},
        {"teacher_weighting": "entropy"},
        {"teacher_weighting": "confidence"},
        {"ensemble": "per_teacher", "hidden_state_weight": 0.5},
    ],
)
def test_a_teacher_of_weight_0_changes_no_gradient(tmp_path, arguments):
    trained = []
    for value in (None, math.nan):
        toy = make_toy("tagging", same_tokenizer=True)
        if value is not None:
            with torch.no_grad():
                next(toy.teachers[1].model.parameters()).fill_(value)
        trainer = make_trainer(toy, tmp_path, teacher_weights=[1, 0], max_steps=3, **arguments)
        trainer.train()
        trained.append(dict(trainer.model.named_parameters()))
    assert largest_difference(*trained) == 0
    assert all(weight.isfinite().all() for weight in trained[1].values())


def test_an_evaluation_leaves_out_what_such_a_teacher_is_compared_by(tmp_path):
    toy = spoil(make_toy("tagging", same_tokenizer=True), math.nan)
    trainer = make_trainer(toy, tmp_path, teacher_weights=[1, 0], hidden_state_weight=0.5)
    metrics = trainer.evaluate()
    assert math.isfinite(metrics["eval_soft_loss"])
    assert math.isfinite(metrics["eval_hidden_loss"])
    assert "eval_label_loyalty/second" not in metrics
    assert "eval_label_loyalty/ensemble" in metrics


def test_minus_infinity_is_an_impossible_class_and_no_fault(tmp_path):
    toy = spoil(make_toy("single-label"), -math.inf, where=0)
    trainer = make_trainer(toy, tmp_path, max_steps=2)
    trainer.train()
    assert all(weight.isfinite().all() for weight in trainer.model.parameters())


def test_a_student_that_diverges_is_blamed_on_nobody(tmp_path):
    toy = make_toy("tagging", hidden_state_weight=0.5)
    student = copy.deepcopy(toy.student)
    with torch.no_grad():
        next(student.parameters()).fill_(math.nan)
    trainer = make_trainer(toy, tmp_path, model=student, max_steps=1)
    trainer.train()
    assert trainer.state.global_step == 1
