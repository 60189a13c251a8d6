"""A teacher that answers NaN or infinity: the step is refused by its name, or nothing changes if nobody hears it."""

import math

import pytest
import torch
from transformers import TrainerCallback

from helpers.toys import largest_difference, logged_losses, make_toy, make_trainer, weights_of
from hf_multiteacher import MultiTeacherDistillationTrainer
from hf_multiteacher.training.checkpoint import newest_whole_checkpoint
from hf_multiteacher.training.finite_steps import FiniteSteps, NotFiniteError, UnsoundTeacherError

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
    with pytest.raises(UnsoundTeacherError, match=BAD + ".*soft_loss/second in batch 2 of 4, row 0 .tokens "):
        trainer.train()
    assert len(calls) == 4


def sound(loss=1.0):
    return {"loss": torch.tensor(loss), "look": dict}


def test_nothing_is_left_over_from_one_step_to_the_next():
    callback = FiniteSteps(["a"], at_once=False)
    callback.add(torch.tensor([True]), **sound(math.nan))
    callback.on_step_begin(None, None, None)
    callback.add(torch.tensor([False]), **sound())
    callback.on_pre_optimizer_step(None, None, None)


def test_where_the_optimizer_steps_in_the_backward_pass_every_batch_is_waited_for():
    with pytest.raises(UnsoundTeacherError, match="Teacher 'b' answered"):
        FiniteSteps(["a", "b"], at_once=True).add(torch.tensor([False, True]), **sound())


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


@pytest.mark.parametrize("task", ["masked-lm", "tagging", "multi-label", "regression"])
def test_a_student_that_diverges_stops_the_training_and_no_teacher_is_blamed(tmp_path, task):
    toy = make_toy(task, learning_rate=1e20, save_strategy="steps", save_steps=1)
    trainer = make_trainer(toy, tmp_path, max_steps=9, logging_steps=1)
    with pytest.raises(
        NotFiniteError, match=r"The loss is NaN or infinite: hard_loss.* in batch 1 of 1, row \d"
    ) as error:
        trainer.train()
    assert not isinstance(error.value, UnsoundTeacherError)
    assert trainer.state.global_step < 9


def test_a_loss_that_an_override_makes_no_number_stops_the_training_and_is_never_logged_as_0(tmp_path):
    class Own(MultiTeacherDistillationTrainer):
        def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
            return super().compute_loss(model, inputs) * math.nan

    trainer = make_trainer(make_toy("tagging"), tmp_path, trainer=Own, logging_steps=1, max_steps=2)
    before = weights_of(trainer)
    with pytest.raises(NotFiniteError, match="The loss is NaN or infinite"):
        trainer.train()
    assert largest_difference(before, weights_of(trainer)) == 0
    assert logged_losses(trainer) == []


class SpoilGradient(TrainerCallback):
    """Makes the gradient of one step NaN, where the loss was a number."""

    def on_pre_optimizer_step(self, args, state, control, **kwargs):
        if state.global_step == 1:
            next(kwargs["model"].parameters()).grad.fill_(math.nan)


@pytest.mark.parametrize(("strategy", "consequence"), [("steps", "checkpoint-2 is not written"), ("no", "has failed")])
def test_a_student_with_weights_that_are_no_numbers_is_not_saved(tmp_path, strategy, consequence):
    arguments = {"save_strategy": strategy, "save_steps": 1, "save_total_limit": 1, "max_steps": 2}
    trainer = make_trainer(make_toy("tagging"), tmp_path, callbacks=[SpoilGradient()], max_grad_norm=0, **arguments)
    with pytest.raises(NotFiniteError, match=f"The student's weights are NaN or infinite in .*{consequence}"):
        trainer.train()
    assert newest_whole_checkpoint(tmp_path) == (None if strategy == "no" else str(tmp_path / "checkpoint-1"))


def silence(toy, where, teachers=(1,)):
    """Have teachers, the second by default, answer NaN to the examples that `where` chooses by their tokens."""

    def answer(module, arguments, named, output):
        output.logits = output.logits.clone()
        output.logits[where(named["input_ids"])] = math.nan
        return output

    for teacher in teachers:
        toy.teachers[teacher].model.register_forward_hook(answer, with_kwargs=True)
    return toy


class OwnDivergence(MultiTeacherDistillationTrainer):
    """Overrides a hook, so that nothing is computed in one go; a row of which no teacher speaks would cost 1."""

    def compute_distillation_loss(self, student_logits, teacher_logits, teacher_weights):
        untaught = teacher_weights.sum(dim=0) == 0
        return super().compute_distillation_loss(student_logits, teacher_logits, teacher_weights) + untaught


def every(tokens):
    return torch.ones(len(tokens), dtype=torch.bool)


def some(tokens):
    return tokens.sum(dim=1) % 3 == 0


@pytest.mark.parametrize("trainer", [MultiTeacherDistillationTrainer, OwnDivergence])
@pytest.mark.parametrize("ensemble", ["probabilities", "per_teacher"])
@pytest.mark.parametrize("task", ["single-label", "multi-label", "regression", "tagging"])
def test_a_teacher_whose_rows_are_all_skipped_is_one_that_is_not_there(tmp_path, task, ensemble, trainer):
    toy = silence(make_toy(task, same_tokenizer=True, examples=32), every)
    settings = {"max_steps": 2, "logging_steps": 2, "ensemble": ensemble, "trainer": trainer}
    skipped = make_trainer(toy, tmp_path, skip_nonfinite_rows=True, **settings)
    alone = make_trainer(toy, tmp_path, teachers=toy.teachers[:1], **settings)
    skipped.train()
    alone.train()

    assert largest_difference(weights_of(skipped), weights_of(alone)) < 1e-7
    log = skipped.state.log_history[0]
    assert log["soft_loss"] == pytest.approx(alone.state.log_history[0]["soft_loss"], rel=1e-5)
    labels = sum(label != -100 for row in toy.train["labels"] for label in row) if task == "tagging" else 32
    assert log["skipped_rows/second"] == labels
    assert log["skipped_rows/first"] == 0
    assert log["soft_loss/second"] == 0


def test_an_override_s_loss_on_rows_that_no_teacher_answers_does_not_count(tmp_path):
    toy = silence(make_toy("single-label", same_tokenizer=True, examples=32), every, teachers=(0, 1))
    trainer = make_trainer(
        toy, tmp_path, trainer=OwnDivergence, skip_nonfinite_rows=True, max_steps=1, logging_steps=1
    )
    trainer.train()
    assert trainer.state.log_history[0]["soft_loss"] == 0


@pytest.mark.parametrize("trainer", [MultiTeacherDistillationTrainer, OwnDivergence])
def test_a_teacher_of_another_vocabulary_shares_nothing_on_rows_that_are_skipped(tmp_path, trainer):
    toy = spoil(make_toy("masked-lm", examples=32, skip_nonfinite_rows=True), math.nan)
    skipped = make_trainer(toy, tmp_path, max_steps=2, logging_steps=2, trainer=trainer)
    skipped.train()
    log = skipped.state.log_history[0]
    assert log["skipped_rows/second"] > 0
    assert log["shared_mass/second"] == log["soft_loss/second"] == log["coverage/second"] == 0


@pytest.mark.parametrize("trainer", [MultiTeacherDistillationTrainer, OwnDivergence])
@pytest.mark.parametrize("task", ["single-label", "multi-label", "regression"])
def test_rows_that_no_teacher_answers_add_nothing_and_accumulation_changes_nothing(tmp_path, task, trainer):
    settings = {"max_steps": 3, "logging_steps": 3, "skip_nonfinite_rows": True, "trainer": trainer}
    toy = silence(make_toy(task, same_tokenizer=True), some)
    settings["teachers"] = toy.teachers[1:]
    whole = make_trainer(toy, tmp_path, **settings)
    parts = make_trainer(toy, tmp_path, per_device_train_batch_size=4, gradient_accumulation_steps=4, **settings)
    whole.train()
    parts.train()

    assert largest_difference(weights_of(whole), weights_of(parts)) < 1e-6
    assert 0 < whole.state.log_history[0]["skipped_rows/second"] < 48
    assert whole.state.log_history[0] == pytest.approx(parts.state.log_history[0], rel=1e-4)
