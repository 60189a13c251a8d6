"""Subclasses that override `compute_loss` or `compute_hard_loss`: what they train on, what their `eval_loss` is."""

import pytest
import torch
from transformers import Trainer

from helpers.toys import TASKS, largest_difference, logged_losses, make_toy, make_trainer, tokenizers, weights_of
from hf_multiteacher import MultiTeacherDistillationTrainer

WEIGHTS = torch.tensor([1.0, 3.0, 0.5])


class Alone(MultiTeacherDistillationTrainer):
    """The most usual subclass of `Trainer`: class weights, and nothing of the base class."""

    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        labels = inputs.pop("labels")
        outputs = model(input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"])
        loss = torch.nn.functional.cross_entropy(outputs.logits, labels, weight=WEIGHTS)
        return (loss, outputs) if return_outputs else loss


def extended(base, calls=1):
    """A subclass that adds 10 to the loss of its base, which it computes so many times."""

    class Extended(base):
        def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
            for _ in range(calls):
                loss, outputs = super().compute_loss(model, {**inputs}, True, num_items_in_batch)
            inputs.pop("labels", None)
            return (loss + 10.0, outputs) if return_outputs else loss + 10.0

    return Extended


class Weighted(MultiTeacherDistillationTrainer):
    """Class weights, as the docs have them."""

    def compute_hard_loss(self, student_logits, labels):
        return torch.nn.functional.cross_entropy(student_logits, labels, weight=WEIGHTS, reduction="none")


@pytest.fixture(scope="module")
def pair():
    return tokenizers()


def test_a_loss_of_ones_own_that_leaves_the_teachers_out_is_refused_in_the_first_step(pair, tmp_path):
    trainer = make_trainer(make_toy("single-label", pair), tmp_path, trainer=Alone)
    message = r"Alone.compute_loss did not call super\(\).* from the teachers \['first', 'second'\].*compute_hard_loss"
    with pytest.raises(ValueError, match=message):
        trainer.train()
    assert trainer.state.global_step == 0


def test_it_is_refused_by_name_whatever_else_it_has_to_do_with(pair, tmp_path):
    class Divided(MultiTeacherDistillationTrainer):
        """As under transformers 5: a sum over the number of labelled rows in the step."""

        def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
            labels = inputs.pop("labels")
            outputs = model(**{name: inputs[name] for name in ("input_ids", "attention_mask")})
            loss = torch.nn.functional.cross_entropy(outputs.logits, labels, reduction="sum") / num_items_in_batch
            return (loss, outputs) if return_outputs else loss

    toy = make_toy("single-label", pair, hidden_state_weight=0.5)
    with pytest.raises(ValueError, match="Divided.compute_loss did not call super"):
        make_trainer(toy, tmp_path, trainer=Divided).train()


def test_it_is_refused_too_where_it_is_put_on_the_trainer_itself(pair, tmp_path, monkeypatch):
    trainer = make_trainer(make_toy("single-label", pair), tmp_path)
    monkeypatch.setattr(trainer, "compute_loss", lambda model, inputs, **_: model.classifier.weight.sum())
    with pytest.raises(ValueError, match="did not call super"):
        trainer.train()


class OwnStep(MultiTeacherDistillationTrainer):
    """The core of `Trainer.training_step`, as adversarial training and SAM copy it."""

    def training_step(self, model, inputs, num_items_in_batch=None):
        model.train()
        inputs = self._prepare_inputs(inputs)
        loss = self.compute_loss(model, inputs, num_items_in_batch=num_items_in_batch)
        if not self.model_accepts_loss_kwargs or num_items_in_batch is None:
            loss = loss / self.args.gradient_accumulation_steps
        self.accelerator.backward(loss)
        self.counted = num_items_in_batch
        return loss.detach()


@pytest.mark.parametrize("accumulated", [1, 4])
def test_a_step_of_ones_own_divides_by_the_counts_of_the_whole_step(pair, tmp_path, accumulated):
    settings = {
        "max_steps": 1,
        "per_device_train_batch_size": 8 // accumulated,
        "gradient_accumulation_steps": accumulated,
        "logging_steps": 1,
    }
    losses = []
    for trainer_class in (MultiTeacherDistillationTrainer, OwnStep):
        trainer = make_trainer(make_toy("tagging", pair), tmp_path, trainer=trainer_class, **settings)
        trainer.train()
        losses += logged_losses(trainer)
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)
    assert isinstance(trainer.counted, torch.Tensor) and trainer.counted.dim() == 0


def test_a_step_of_ones_own_that_leaves_the_teachers_out_is_refused_before_anything_is_learnt(pair, tmp_path):
    class Bare(MultiTeacherDistillationTrainer):
        def training_step(self, model, inputs, num_items_in_batch=None):
            outputs = model(input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"])
            loss = outputs.logits.square().mean()
            self.accelerator.backward(loss)
            return loss.detach()

    trainer = make_trainer(make_toy("tagging", pair), tmp_path, trainer=Bare)
    before = {name: weight.clone() for name, weight in trainer.model.state_dict().items()}
    with pytest.raises(ValueError, match=r"Bare.training_step did not call super\(\).training_step"):
        trainer.train()
    assert all(torch.equal(before[name], weight) for name, weight in trainer.model.state_dict().items())


def test_a_loss_that_is_put_into_the_class_is_evaluated_too(pair, tmp_path, monkeypatch):
    plain = make_trainer(make_toy("tagging", pair), tmp_path).evaluate()["eval_loss"]
    own = MultiTeacherDistillationTrainer.compute_loss

    def patched(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        loss, outputs = own(self, model, inputs, True, num_items_in_batch)
        return (loss + 7, outputs) if return_outputs else loss + 7

    monkeypatch.setattr(MultiTeacherDistillationTrainer, "compute_loss", patched)
    trainer = make_trainer(make_toy("tagging", pair), tmp_path, per_device_eval_batch_size=64)
    assert trainer.evaluate()["eval_loss"] == pytest.approx(plain + 7, rel=1e-5)


@pytest.mark.parametrize(
    ("hook", "returned"),
    [
        ("compute_hard_loss", lambda logits, labels: torch.nn.functional.cross_entropy(logits, labels)),
        ("compute_hard_loss", lambda logits, labels: logits[:, :1]),
        ("compute_distillation_loss", lambda student, teachers, weights: student.mean()),
        ("compute_distillation_loss", lambda student, teachers, weights: student),
        ("compute_teacher_weights", lambda logits, labels, available: available[0].float()),
    ],
)
def test_what_is_not_one_value_per_row_is_refused_by_the_name_of_the_method(
    hook, returned, pair, tmp_path, monkeypatch
):
    trainer = make_trainer(make_toy("tagging", pair), tmp_path)
    monkeypatch.setattr(trainer, hook, returned)
    with pytest.raises(ValueError, match=rf"{hook} must return one value per row.*but it returned \["):
        trainer.train()


@pytest.mark.parametrize("changes", [{"teachers": []}, {"soft_target_weight": 0.0}], ids=["none", "labels"])
def test_it_trains_where_no_teacher_is_followed(changes, pair, tmp_path):
    trainer = make_trainer(make_toy("single-label", pair), tmp_path, trainer=Alone, max_steps=2, **changes)
    trainer.train()
    assert trainer.state.global_step == 2


def test_its_loss_is_the_eval_loss_and_the_teachers_are_measured_all_the_same(pair, tmp_path):
    toy, seen = make_toy("single-label", pair), []

    def metrics(prediction):
        seen.append(prediction)
        return {}

    trainer = make_trainer(toy, tmp_path, trainer=Alone, compute_metrics=metrics, per_device_eval_batch_size=22)
    reference = make_trainer(toy, tmp_path).evaluate()
    measured = trainer.evaluate()
    logits, labels = (torch.as_tensor(each) for each in (seen[-1].predictions, seen[-1].label_ids))
    expected = torch.nn.functional.cross_entropy(logits, labels, weight=WEIGHTS)
    assert measured["eval_loss"] == pytest.approx(expected.item(), rel=1e-5)
    assert "eval_loss/first" in reference and "eval_loss/first" not in measured, "by another loss than the student's"
    names = [name for name in reference if "loyalty" in name or "soft" in name]
    assert {name: measured[name] for name in names} == pytest.approx({name: reference[name] for name in names})


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("metrics", [True, False], ids=["with metrics", "loss only"])
def test_an_extended_loss_is_evaluated_as_trainer_does(task, metrics, pair, tmp_path):
    toy = make_toy(task, pair, hidden_state_weight=0.5)
    settings = {"compute_metrics": (lambda prediction: {"size": prediction.predictions.size}) if metrics else None}
    plain = make_trainer(toy, tmp_path, **settings).evaluate()
    ours = make_trainer(toy, tmp_path, trainer=extended(MultiTeacherDistillationTrainer, calls=2), **settings)
    measured = ours.evaluate()
    others = [name for name in plain if "loyalty" in name or "soft" in name or "hidden" in name or "size" in name]
    assert {name: measured[name] for name in others} == pytest.approx({name: plain[name] for name in others})
    theirs = extended(Trainer)(
        model=ours.model,
        args=ours.args,
        eval_dataset=toy.evaluation,
        data_collator=ours.data_collator.for_evaluation(),
    )
    theirs.model_accepts_loss_kwargs = False
    assert measured["eval_loss"] == pytest.approx(theirs.evaluate()["eval_loss"], rel=1e-5)


def test_an_extended_loss_is_not_asked_where_there_are_no_labels(pair, tmp_path):
    toy = make_toy("single-label", pair)
    trainer = make_trainer(toy, tmp_path, trainer=extended(MultiTeacherDistillationTrainer))
    output = trainer.predict(toy.evaluation.remove_columns("label"))
    assert len(output.predictions) == 22
    assert "test_loss" not in output.metrics and "test_soft_loss" in output.metrics


def test_the_soft_loss_of_super_and_a_hard_loss_of_ones_own_are_evaluated_together(pair, tmp_path):
    class Both(MultiTeacherDistillationTrainer):
        def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
            labels = inputs.pop("labels")
            soft, outputs = super().compute_loss(model, inputs, True, num_items_in_batch)
            hard = torch.nn.functional.cross_entropy(outputs.logits, labels, WEIGHTS, reduction="sum")
            loss = soft + hard / num_items_in_batch
            return (loss, outputs) if return_outputs else loss

    toy = make_toy("single-label", pair, soft_target_weight=1.0, hard_label_weight=0.0)
    trainer = make_trainer(toy, tmp_path, trainer=Both, max_steps=1, logging_steps=1, learning_rate=0.0)
    trainer.train()
    by_name = make_trainer(
        toy, tmp_path, trainer=Weighted, hard_label_weight=1.0, max_steps=1, logging_steps=1, learning_rate=0.0
    )
    by_name.train()
    assert logged_losses(trainer) == pytest.approx(logged_losses(by_name), rel=1e-5)
    for run in (trainer, by_name):
        run.args.per_device_eval_batch_size = 22
    assert trainer.evaluate()["eval_loss"] == pytest.approx(by_name.evaluate()["eval_loss"], rel=1e-5)


@pytest.mark.parametrize("passes_the_number_on", [True, False])
def test_an_extension_does_not_depend_on_accumulation(passes_the_number_on, pair, tmp_path):
    class Heavier(MultiTeacherDistillationTrainer):
        def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
            number = {"num_items_in_batch": num_items_in_batch} if passes_the_number_on else {}
            loss, outputs = super().compute_loss(model, inputs, return_outputs=True, **number)
            loss = loss + 0.1 * outputs.logits.square().sum() / num_items_in_batch
            return (loss, outputs) if return_outputs else loss

    toy = make_toy("single-label", pair)
    batches = {"per_device_train_batch_size": 4, "gradient_accumulation_steps": 4}
    runs = [make_trainer(toy, tmp_path, trainer=Heavier, max_steps=6, **each) for each in ({}, batches)]
    for run in runs:
        run.train()
    assert largest_difference(*map(weights_of, runs)) < 1e-6


@pytest.mark.parametrize("task", ["tagging", "masked-lm"])
def test_an_extension_sees_the_logits_of_all_tokens(task, pair, tmp_path):
    shapes = []

    class Looking(MultiTeacherDistillationTrainer):
        def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
            loss, outputs = super().compute_loss(model, inputs, True, num_items_in_batch)
            shapes.append(outputs.logits.shape[:2] == inputs["labels"].shape)
            return (loss, outputs) if return_outputs else loss

    trainer = make_trainer(make_toy(task, pair), tmp_path, trainer=Looking, max_steps=2)
    trainer.train()
    plain = make_trainer(make_toy(task, pair), tmp_path, max_steps=2)
    plain.train()
    assert shapes == [True, True]
    assert largest_difference(weights_of(trainer), weights_of(plain)) < 1e-7


def test_a_loss_that_is_computed_twice_is_logged_once(pair, tmp_path):
    toy, logs = make_toy("single-label", pair), []
    for calls in (1, 2):
        trainer = make_trainer(
            toy, tmp_path, trainer=extended(MultiTeacherDistillationTrainer, calls), max_steps=2, logging_steps=2
        )
        trainer.train()
        logs.append(trainer.state.log_history[0])
    assert logs[0]["soft_loss"] == pytest.approx(logs[1]["soft_loss"])
    assert logs[0]["loss"] == pytest.approx(0.5 * (logs[0]["soft_loss"] + logs[0]["hard_loss"]) + 10)


def test_class_weights_are_a_hard_loss_of_ones_own(pair, tmp_path):
    toy = make_toy("single-label", pair)
    settings = {"trainer": Weighted, "max_steps": 1, "logging_steps": 1, "learning_rate": 0.0}
    trainer = make_trainer(toy, tmp_path, train_dataset=toy.train.select(range(16)), **settings)
    trainer.train()
    with torch.no_grad():
        batch = trainer.data_collator([toy.train[row] for row in range(16)])
        logits = trainer.model.eval()(batch["input_ids"], batch["attention_mask"]).logits
        values = torch.nn.functional.cross_entropy(logits, batch["labels"], weight=WEIGHTS, reduction="none")
    assert trainer.state.log_history[0]["hard_loss"] == pytest.approx(values.mean().item(), rel=1e-5)
    batch = trainer.data_collator([*toy.evaluation])
    with torch.no_grad():
        logits = trainer.model(batch["input_ids"], batch["attention_mask"]).logits
        values = torch.nn.functional.cross_entropy(logits, batch["labels"], weight=WEIGHTS, reduction="none")
    trainer.args.per_device_eval_batch_size = 22
    assert trainer.evaluate()["eval_loss"] == pytest.approx(values.mean().item(), rel=1e-5)


@pytest.mark.parametrize("task", ["tagging", "single-label"])
def test_a_hard_loss_of_ones_own_does_not_depend_on_accumulation(task, pair, tmp_path):
    class Focal(MultiTeacherDistillationTrainer):
        def compute_hard_loss(self, student_logits, labels):
            loss = torch.nn.functional.cross_entropy(student_logits, labels, reduction="none")
            return (1 - (-loss).exp()) ** 2 * loss

    toy = make_toy(task, pair)
    batches = {"per_device_train_batch_size": 4, "gradient_accumulation_steps": 4}
    runs = [make_trainer(toy, tmp_path, trainer=Focal, max_steps=6, **each) for each in ({}, batches)]
    plain = make_trainer(toy, tmp_path, max_steps=6)
    for run in (*runs, plain):
        run.train()
    assert largest_difference(*(weights_of(run) for run in runs)) < 1e-6
    assert largest_difference(weights_of(runs[0]), weights_of(plain)) > 1e-4
