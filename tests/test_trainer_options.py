"""Every option of `Trainer` works with teachers or is refused by name; none silently changes its meaning."""

import copy
import gc
import json
import sys
import weakref
from dataclasses import replace

import numpy as np
import pytest
import torch
from datasets import IterableDataset
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file
from torch.nn.functional import cross_entropy
from transformers import EarlyStoppingCallback, Trainer
from transformers.trainer_utils import HPSearchBackend

from helpers.toys import (
    TASKS,
    largest_difference,
    logged_losses,
    make_toy,
    make_trainer,
    weights_of,
)
from hf_multiteacher import DataCollatorForDistillation
from hf_multiteacher.objective.evaluation_mixin import students_objective


def train(toy, folder, **changes):
    trainer = make_trainer(toy, folder, **{"max_steps": 4, "logging_steps": 1, **changes})
    trainer.train()
    return trainer


def accuracy(prediction):
    return {"accuracy": float((prediction.predictions.argmax(-1) == prediction.label_ids).mean())}


# ---- Evaluation ----


def plain(trainer, **changes):
    """A `Trainer` that evaluates the same model on the same batches."""
    collator = trainer.data_collator
    settings = {
        "model": trainer.model,
        "args": trainer.args,
        "eval_dataset": trainer.eval_dataset,
        "compute_metrics": trainer.compute_metrics,
        "data_collator": collator.for_evaluation() if isinstance(collator, DataCollatorForDistillation) else collator,
    }
    other = Trainer(**settings | changes)
    other.model_accepts_loss_kwargs = False
    return other


@pytest.mark.parametrize("metrics", [True, False], ids=["with metrics", "loss only"])
@pytest.mark.parametrize(
    ("task", "smoothing"),
    [(task, 0.0) for task in TASKS] + [(task, 0.1) for task in ("masked-lm", "tagging", "single-label")],
)
def test_eval_loss_is_what_a_plain_trainer_gives_for_all_rows_in_one_batch(task, metrics, smoothing, pair, tmp_path):
    shapes = []

    def compute_metrics(prediction):
        shapes.append(prediction.predictions.shape)
        return {"mean": float(np.mean(prediction.predictions))}

    toy = make_toy(task, pair)
    trainer = make_trainer(
        toy, tmp_path, compute_metrics=compute_metrics if metrics else None, label_smoothing_factor=smoothing
    )
    ours = trainer.evaluate()
    theirs = plain(trainer, args=replace(trainer.args, per_device_eval_batch_size=64)).evaluate()
    assert ours["eval_loss"] == pytest.approx(theirs["eval_loss"], rel=1e-6)
    models = 4 if metrics and task != "masked-lm" else 1  # the teachers and their ensemble are measured too
    assert len(shapes) == (models + 1 if metrics else 0)
    assert len(set(shapes)) <= 1
    assert {"eval_soft_loss", "eval_soft_loss/first", "eval_soft_loss/second"} <= set(ours)


def half_labelled(toy):
    """The evaluation set of taggers, where whole batches of one and of two examples have no label."""
    labels = [[-100] * len(row) if place % 4 < 2 else row for place, row in enumerate(toy.evaluation["labels"])]
    return toy.evaluation.remove_columns("labels").add_column("labels", labels)


@pytest.mark.parametrize("report", [True, False], ids=["with teachers", "student alone"])
def test_losses_of_an_evaluation_depend_on_no_batch_size_also_where_batches_lack_labels(report, pair, tmp_path):
    toy = make_toy("tagging", pair)
    data = {"data": half_labelled(toy), "all": toy.evaluation}
    runs = []
    for size in (1, 2, 5, 64):
        trainer = make_trainer(
            toy, tmp_path, eval_dataset=data, per_device_eval_batch_size=size, report_loyalty=report
        )
        runs.append({name: value for name, value in trainer.evaluate().items() if name.endswith("_loss")})
        assert trainer.predict(data["data"]).metrics["test_loss"] == pytest.approx(runs[-1]["eval_data_loss"])
    assert {"eval_data_loss", "eval_all_loss"} <= set(runs[0])
    assert ("eval_data_soft_loss" in runs[0]) == report
    assert all(run == pytest.approx(runs[0], rel=1e-5) for run in runs)

    logits = trainer.predict(data["data"]).predictions
    labels = trainer.predict(data["data"]).label_ids
    expected = cross_entropy(torch.tensor(logits).double().flatten(0, 1), torch.tensor(labels).flatten())
    assert runs[0]["eval_data_loss"] == pytest.approx(float(expected), rel=1e-5)


def test_data_without_any_labelled_row_has_no_eval_loss(pair, tmp_path):
    toy = make_toy("tagging", pair)
    labels = [[-100] * len(row) for row in toy.evaluation["labels"]]
    data = toy.evaluation.remove_columns("labels").add_column("labels", labels)
    metrics = make_trainer(toy, tmp_path).evaluate(data)
    assert "eval_loss" not in metrics
    assert not any(np.isnan(value) for value in metrics.values())


def test_the_best_checkpoint_hangs_on_the_loss_over_all_rows(pair, tmp_path):
    toy = make_toy("tagging", pair)
    every_two = {"eval_strategy": "steps", "eval_steps": 2, "save_strategy": "steps", "save_steps": 2}
    trainer = train(
        toy,
        tmp_path,
        eval_dataset=half_labelled(toy),
        per_device_eval_batch_size=1,
        load_best_model_at_end=True,
        metric_for_best_model="loss",
        callbacks=[EarlyStoppingCallback(2)],
        **every_two,
    )
    logged = [entry["eval_loss"] for entry in trainer.state.log_history if "eval_loss" in entry]
    in_one_batch = make_trainer(toy, tmp_path / "one", model=trainer.model, per_device_eval_batch_size=64)
    assert trainer.state.best_metric == min(logged)
    assert min(logged) == pytest.approx(in_one_batch.evaluate(half_labelled(toy))["eval_loss"], rel=1e-5)


@pytest.mark.parametrize("hidden_state_weight", [0.0, 0.5])
@pytest.mark.parametrize("asked", [True, False])
def test_predict_gives_what_the_configuration_asks_for(asked, hidden_state_weight, pair, tmp_path):
    toy = make_toy("single-label", pair, hidden_state_weight=hidden_state_weight)
    trainer = make_trainer(toy, tmp_path)
    trainer.model.config.output_hidden_states = asked
    ours, theirs = trainer.predict(toy.evaluation).predictions, plain(trainer).predict(toy.evaluation).predictions
    if not asked:
        assert np.allclose(ours, theirs, atol=1e-6)
        return
    assert len(ours) == len(theirs) == 2 and len(ours[1]) == len(theirs[1]) == 3
    assert all(np.allclose(*pair, atol=1e-6) for pair in zip(ours[1], theirs[1], strict=True))


@pytest.mark.parametrize("task", ["masked-lm", "single-label"])
def test_without_report_loyalty_no_teacher_runs_in_evaluation(task, pair, tmp_path):
    toy, runs = make_toy(task, pair, hidden_state_weight=0.5), []
    for report in (True, False):
        trainer = make_trainer(toy, tmp_path, report_loyalty=report)
        calls = []
        for teacher in trainer.teachers:
            teacher.model.register_forward_pre_hook(lambda module, args, calls=calls: calls.append(module))
        runs.append((trainer.evaluate(), len(calls)))
    assert (runs[0][1], runs[1][1]) == (6, 0)
    assert "eval_label_loyalty/first" in runs[0][0]
    assert not any("loyalty" in name or "soft" in name or "hidden" in name for name in runs[1][0])
    assert runs[0][0]["eval_loss"] == runs[1][0]["eval_loss"]


def test_batch_eval_metrics(pair, tmp_path):
    toy, seen = make_toy("single-label", pair), []

    def by_batch(prediction, compute_result):
        seen.append(accuracy(prediction))
        return {"accuracy": float(np.mean([each["accuracy"] for each in seen]))} if compute_result else {}

    def accuracy(prediction):
        return {"accuracy": float((prediction.predictions.argmax(-1) == prediction.label_ids).float().mean())}

    trainer = make_trainer(toy, tmp_path, compute_metrics=by_batch, batch_eval_metrics=True)
    metrics = trainer.evaluate()
    assert len(seen) == 3
    assert metrics["eval_accuracy"] == pytest.approx(np.mean([each["accuracy"] for each in seen]))


def test_predict_keeps_the_order_of_the_data_also_with_group_by_length(pair, tmp_path):
    toy = make_toy("tagging", pair)
    trainer = make_trainer(toy, tmp_path, train_sampling_strategy="group_by_length", per_device_eval_batch_size=4)
    output = trainer.predict(toy.evaluation)
    with torch.no_grad():
        for example, logits in zip(toy.evaluation, output.predictions, strict=True):
            inputs = {name: torch.tensor([example[name]]) for name in ("input_ids", "attention_mask")}
            expected = trainer.model.eval()(**inputs).logits[0].numpy()
            np.testing.assert_allclose(logits[: len(expected)], expected, atol=1e-5)
    assert {"test_loss", "test_soft_loss", "test_label_loyalty/ensemble"} <= set(output.metrics)
    trainer.train()


@pytest.mark.parametrize("task", ["tagging", "single-label", "masked-lm"])
def test_predict_without_labels(task, pair, tmp_path):
    toy = make_toy(task, pair)
    data = toy.evaluation
    data = data.remove_columns([name for name in ("label", "labels") if name in data.column_names])
    trainer, calls = make_trainer(toy, tmp_path), []
    for teacher in trainer.teachers:
        teacher.model.register_forward_pre_hook(lambda module, args: calls.append(module))
    output = trainer.predict(data)
    assert len(output.predictions) == 22
    assert len(calls) == (0 if task == "tagging" else 6)
    assert ("test_loss" in output.metrics) == (task == "masked-lm")
    assert ("test_soft_loss" in output.metrics) == (task != "tagging")


def test_what_has_no_row_in_an_evaluation_is_left_out(pair, tmp_path):
    toy = make_toy("tagging", pair)
    data = toy.evaluation.map(lambda example: {"labels": [-100] * len(example["labels"])})
    metrics = make_trainer(toy, tmp_path, eval_dataset=data).evaluate()
    assert "eval_soft_loss" in metrics  # sentences without labels are there for it
    assert not any(name.startswith("eval_loss") or "loyalty" in name for name in metrics)


def test_metrics_and_inputs_for_metrics(pair, tmp_path):
    toy, seen = make_toy("single-label", pair), {}

    def compute_metrics(prediction):
        seen.update(losses=prediction.losses, inputs=prediction.inputs, logits=prediction.predictions)
        return {}

    make_trainer(
        toy,
        tmp_path,
        compute_metrics=compute_metrics,
        include_for_metrics=["loss", "inputs"],
        preprocess_logits_for_metrics=lambda logits, labels: logits.argmax(-1),
    ).evaluate()
    assert len(seen["losses"]) == len(seen["inputs"]) == len(seen["logits"]) == 22
    assert seen["logits"].ndim == 1


# ---- Losses without labels ----


@pytest.mark.parametrize("task", ["tagging", "single-label", "regression"])
def test_pure_soft_targets_without_labels(task, pair, tmp_path):
    toy = make_toy(task, pair)
    data = toy.train.remove_columns([name for name in ("label", "labels") if name in toy.train.column_names])
    changes = {"hard_label_weight": 0.0, **({"distill_positions": "all"} if task == "tagging" else {})}
    trainer = train(toy, tmp_path, train_dataset=data, learning_rate=0.5, max_steps=20, **changes)
    entry = trainer.state.log_history[0]
    assert "hard_loss" not in entry
    assert entry["loss"] == pytest.approx(0.5 * entry["soft_loss"])
    assert logged_losses(trainer)[-1] < logged_losses(trainer)[0]
    assert "eval_loss" in trainer.evaluate()


def test_labels_that_the_objective_needs_must_be_there(pair, tmp_path):
    toy = make_toy("tagging", pair)
    data = toy.train.remove_columns("labels")
    with pytest.raises(ValueError, match="hard_label_weight=0, distill_positions='all'"):
        train(toy, tmp_path, train_dataset=data)
    with pytest.raises(ValueError, match="no column 'labels'"):
        train(toy, tmp_path, train_dataset=data, hard_label_weight=0.0)
    with pytest.raises(ValueError, match="no column 'labels'"):
        train(toy, tmp_path, train_dataset=data, distill_positions="all")


def test_unlabelled_examples_teach_by_the_teachers_alone(pair, tmp_path):
    toy = make_toy("single-label", pair)
    some = toy.train.map(lambda example, index: {"label": -100 if index % 2 else example["label"]}, with_indices=True)
    trainer = make_trainer(toy, tmp_path, train_dataset=some)
    counts = trainer.distillation_objective.count([next(iter(trainer.get_train_dataloader()))])
    assert counts["soft"] == 16
    assert 0 < counts["hard"] < 16
    trainer.train()
    assert np.isfinite(logged_losses(trainer)).all()


@pytest.mark.parametrize("weights", [(0, 1, 0), (1, 0, 0), (0, 0, 1)], ids=["hard", "soft", "hidden"])
def test_one_component_alone(weights, pair, tmp_path):
    toy = make_toy("masked-lm", pair)
    names = ("soft_target_weight", "hard_label_weight", "hidden_state_weight")
    trainer = train(toy, tmp_path, **dict(zip(names, map(float, weights), strict=True)))
    component = ("soft_loss", "hard_loss", "hidden_loss")[weights.index(1)]
    assert all(entry["loss"] == pytest.approx(entry[component]) for entry in trainer.state.log_history[:4])


def test_hard_labels_alone_run_no_teacher_in_training(pair, tmp_path):
    toy, calls = make_toy("single-label", pair), []
    trainer = make_trainer(toy, tmp_path, soft_target_weight=0.0, max_steps=2)
    for teacher in trainer.teachers:
        teacher.model.register_forward_pre_hook(lambda module, args: calls.append(module))
    trainer.train()
    assert calls == []


# ---- Ways to run ----


@pytest.mark.parametrize("task", ["masked-lm", "tagging"])
def test_gradient_checkpointing_changes_no_number(task, pair, tmp_path):
    toy = make_toy(task, pair, hidden_state_weight=0.5)
    runs = [train(toy, tmp_path, gradient_checkpointing=on) for on in (False, True)]
    assert runs[1].model.is_gradient_checkpointing
    assert largest_difference(*(weights_of(run) for run in runs)) < 1e-7


@pytest.mark.parametrize("task", ["masked-lm", "regression"])
def test_bf16_is_near_float32(task, pair, tmp_path):
    toy = make_toy(task, pair, hidden_state_weight=0.5, max_steps=2)
    exact, rough = (train(toy, tmp_path, bf16=on) for on in (False, True))
    assert logged_losses(rough) == pytest.approx(logged_losses(exact), rel=0.02)
    assert logged_losses(rough) != logged_losses(exact)
    assert all(weight.dtype == torch.float32 for weight in weights_of(rough).values())


def test_evaluation_in_bf16_is_near_float32(pair, tmp_path):
    toy = make_toy("masked-lm", pair, hidden_state_weight=0.5)
    exact, rough = (make_trainer(toy, tmp_path, bf16_full_eval=on).evaluate() for on in (False, True))
    for name in ("eval_loss", "eval_soft_loss", "eval_hidden_loss/second"):
        assert rough[name] == pytest.approx(exact[name], rel=0.05)


def test_teacher_dtype(pair, tmp_path):
    toy = make_toy("masked-lm", pair, hidden_state_weight=0.5)
    trainer = make_trainer(toy, tmp_path, teacher_dtype="bfloat16", max_steps=2, logging_steps=1)
    assert all(next(teacher.model.parameters()).dtype == torch.bfloat16 for teacher in trainer.teachers)
    trainer.train()
    assert np.isfinite(logged_losses(trainer)).all()


@pytest.mark.slow
@pytest.mark.parametrize("task", ["masked-lm", "single-label"])
@pytest.mark.skipif(sys.platform == "win32", reason="torch.compile needs a compiler")
def test_torch_compile_compiles_and_changes_no_number(task, pair, tmp_path, monkeypatch):
    monkeypatch.setenv("ACCELERATE_DYNAMO_BACKEND", "no")  # set by TrainingArguments for the whole process
    toy = make_toy(task, pair, layers=1, hidden_state_weight=0.5, max_steps=2)  # two batches, of different lengths
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    runs = [train(toy, tmp_path, torch_compile_backend=backend) for backend in (None, "aot_eager")]
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] > 0
    assert hasattr(runs[1].model_wrapped, "_orig_mod") or runs[1].model._compiled_call_impl is not None
    assert largest_difference(*(weights_of(run) for run in runs)) < 1e-6


@pytest.mark.parametrize("workers", [0, 2])
def test_persistent_workers_mask_anew_in_every_epoch(workers, pair, tmp_path):
    toy = make_toy("masked-lm", pair)
    trainer = train(
        toy,
        tmp_path,
        max_steps=13,
        dataloader_num_workers=workers,
        dataloader_persistent_workers=workers > 0,
        dataloader_prefetch_factor=2 if workers else None,
    )
    assert trainer.data_collator._round == 2
    reference = train(toy, tmp_path, max_steps=13)
    assert logged_losses(trainer) == logged_losses(reference)
    assert trainer.evaluate()["eval_loss"] == trainer.evaluate()["eval_loss"] == reference.evaluate()["eval_loss"]


def test_a_trainer_that_is_no_longer_used_frees_its_models_at_once(pair, tmp_path):
    toy = make_toy("masked-lm", pair, hidden_state_weight=0.5)
    trainer = train(toy, tmp_path, max_steps=2)
    trainer.evaluate()
    student = weakref.ref(trainer.model)
    gc.disable()
    try:
        del trainer
        assert student() is None
    finally:
        gc.enable()


def test_epochs_have_masks_of_their_own(pair, tmp_path):
    toy = make_toy("masked-lm", pair)
    trainer = train(toy, tmp_path, max_steps=12, train_sampling_strategy="sequential", learning_rate=0.0)
    assert logged_losses(trainer)[:6] != logged_losses(trainer)[6:]


@pytest.mark.parametrize("remove", [True, False])
def test_remove_unused_columns(remove, pair, tmp_path, caplog):
    toy = make_toy("tagging", pair)
    trainer = train(toy, tmp_path, remove_unused_columns=remove)
    expected = train(toy, tmp_path)
    assert logged_losses(trainer) == logged_losses(expected)
    assert "teacher_1_positions" in next(iter(trainer.get_eval_dataloader()))
    assert "rebuilt" not in caplog.text


def test_streams(pair, tmp_path):
    toy = make_toy("masked-lm", pair)
    stream = toy.train.to_iterable_dataset()
    assert isinstance(stream, IterableDataset)
    trainer = train(
        toy, tmp_path, train_dataset=stream, max_steps=14, eval_dataset=toy.evaluation.to_iterable_dataset()
    )
    assert trainer.state.global_step == 14
    assert trainer.data_collator._round == 2
    metrics = trainer.evaluate()
    expected = train(toy, tmp_path, train_sampling_strategy="sequential", max_steps=14)
    assert logged_losses(trainer) == logged_losses(expected)
    assert metrics["eval_soft_loss"] == pytest.approx(expected.evaluate()["eval_soft_loss"], rel=1e-6)


def test_auto_find_batch_size_starts_anew_with_smaller_batches(pair, tmp_path, monkeypatch):
    toy = make_toy("masked-lm", pair, hidden_state_weight=0.5)
    trainer = make_trainer(toy, tmp_path, auto_find_batch_size=True, max_steps=3, logging_steps=1)
    compute_loss = trainer.compute_loss

    def out_of_memory(model, inputs, *args, **kwargs):
        if len(inputs["input_ids"]) > 8:
            raise RuntimeError("CUDA out of memory.")
        return compute_loss(model, inputs, *args, **kwargs)

    monkeypatch.setattr(trainer, "compute_loss", out_of_memory)
    trainer.train()
    assert trainer._train_batch_size <= 8
    entry = [entry for entry in trainer.state.log_history if "loss" in entry][-1]
    parts = 0.5 * entry["soft_loss"] + 0.5 * entry["hard_loss"] + 0.5 * entry["hidden_loss"]
    assert entry["loss"] == pytest.approx(parts, rel=1e-5)


def test_early_stopping_and_the_best_model_by_loyalty(pair, tmp_path):
    # Loyalty rises from the first step on, so the least loyal student comes first and patience runs out.
    toy = make_toy("single-label", pair)
    trainer = train(
        toy,
        tmp_path,
        max_steps=12,
        eval_strategy="steps",
        eval_steps=2,
        save_strategy="steps",
        save_steps=2,
        load_best_model_at_end=True,
        metric_for_best_model="probability_loyalty/ensemble",
        greater_is_better=False,
        hard_label_weight=0.0,
        callbacks=[EarlyStoppingCallback(2)],
    )
    assert trainer.state.global_step < 12
    best = min(
        entry["eval_probability_loyalty/ensemble"] for entry in trainer.state.log_history if "eval_loss" in entry
    )
    assert trainer.evaluate()["eval_probability_loyalty/ensemble"] == pytest.approx(best)
    saved = load_file(f"{trainer.state.best_model_checkpoint}/model.safetensors")
    assert torch.equal(saved["classifier.weight"], trainer.model.classifier.weight)


def test_several_evaluation_sets(pair, tmp_path):
    toy = make_toy("single-label", pair)
    metrics = make_trainer(toy, tmp_path, eval_dataset={"one": toy.evaluation, "two": toy.train}).evaluate()
    assert {"eval_one_soft_loss", "eval_two_label_loyalty/first"} <= set(metrics)


# ---- Searches ----


def test_model_init_makes_each_student_its_own_head_and_projections(pair, tmp_path):
    toy = make_toy("masked-lm", pair, hidden_state_weight=0.5)
    trainer = make_trainer(toy, tmp_path, model_init=lambda: copy.deepcopy(toy.student), max_steps=3, logging_steps=1)
    shapes = []
    for _ in range(2):
        trainer.train()
        trainer.model.cls.register_forward_hook(lambda module, args, output: shapes.append(output.dim()))
        trainer.evaluate()
    assert set(shapes) == {2}
    reference = train(toy, tmp_path, max_steps=3)
    assert largest_difference(weights_of(trainer), weights_of(reference)) == 0


def test_model_init_makes_students_whose_labels_are_understood(pair, tmp_path):
    toy = make_toy("multi-label", pair)
    toy.student.config.problem_type = None
    trainer = make_trainer(toy, tmp_path, model_init=lambda: copy.deepcopy(toy.student), max_steps=2)
    trainer.train()
    assert trainer.model.config.problem_type == "multi_label_classification"
    assert trainer.distillation_objective.problem == "multi_label_classification"


class Trial:
    """What the search of `Trainer` needs of a trial."""

    number = 0

    def __init__(self, **params):
        self.params = params


def test_a_hyperparameter_search_sets_the_arguments_of_distillation(pair, tmp_path, monkeypatch):
    monkeypatch.setattr("transformers.integrations.hp_params", lambda trial: trial and trial.params)
    toy = make_toy("masked-lm", pair)
    trainer = make_trainer(toy, tmp_path, model_init=lambda: copy.deepcopy(toy.student), max_steps=2, logging_steps=1)
    trainer.hp_search_backend, trainer.hp_space = HPSearchBackend.OPTUNA, lambda trial: trial.params
    trainer.hp_name, trainer.compute_objective = None, lambda metrics: metrics["eval_loss"]
    trainer.objective = None
    for trial in (Trial(temperature=5.0, hidden_state_weight=0.0), Trial(temperature=1.0, hidden_state_weight=0.5)):
        trainer.train(trial=trial)
        expected = train(toy, tmp_path, max_steps=2, **trial.params)
        assert logged_losses(trainer) == logged_losses(expected)
        assert largest_difference(weights_of(trainer), weights_of(expected)) == 0
    with pytest.raises(ValueError, match="temperature"):
        trainer.train(trial=Trial(temperature=-1.0))


def test_hyperparameter_search(pair, tmp_path):
    pytest.importorskip("optuna", reason="needs optuna: pip install optuna")
    toy = make_toy("single-label", pair)
    settings = {"model_init": lambda: copy.deepcopy(toy.student), "max_steps": 2, "compute_metrics": accuracy}
    trainer = make_trainer(toy, tmp_path, **settings)
    best = trainer.hyperparameter_search(lambda trial: {"temperature": trial.suggest_float("t", 1, 4)}, n_trials=1)
    logged = [log["eval_accuracy"] for log in trainer.state.log_history if "eval_accuracy" in log]
    assert best.objective == logged[-1], "the student's figure alone, and no teacher's"


def test_a_search_without_metrics_goes_by_the_students_loss():
    figures = {"eval_loss": 2.0, "eval_soft_loss": 1.0, "eval_hidden_loss": 1.0, "eval_runtime": 1.0, "epoch": 1.0}
    assert students_objective(figures | {"eval_loss/one": 3.0, "eval_label_loyalty/one": 0.5}) == 2.0


# ---- Adapters ----


@pytest.mark.parametrize("task", ["masked-lm", "tagging", "single-label"])
def test_a_lora_student_saves_and_resumes_its_adapter_alone(task, pair, tmp_path):
    toy = make_toy(task, pair, hidden_state_weight=0.5)
    kinds = {"tagging": "TOKEN_CLS", "single-label": "SEQ_CLS"}

    def student():
        torch.manual_seed(0)
        config = LoraConfig(task_type=kinds.get(task), r=4, target_modules=["query", "value"], lora_dropout=0.0)
        return get_peft_model(copy.deepcopy(toy.student), config)

    settings = {"optim": "adamw_torch", "learning_rate": 1e-2, "save_strategy": "steps", "save_steps": 2}
    whole = make_trainer(toy, tmp_path, model=student(), max_steps=4, **settings)
    base = copy.deepcopy(whole.model.get_base_model().bert.embeddings.state_dict())
    whole.train()
    folder = tmp_path / "checkpoint-2"
    assert not list(folder.glob("model*"))
    names = load_file(folder / "adapter_model.safetensors").keys()
    assert all("lora" in name or "classifier" in name for name in names)
    resumed = make_trainer(toy, tmp_path, model=student(), max_steps=4, **settings)
    resumed.train(resume_from_checkpoint=str(folder))
    assert largest_difference(weights_of(whole), weights_of(resumed)) == 0
    trained = {name for name, weight in whole.model.named_parameters() if weight.requires_grad}
    fresh = dict(student().named_parameters())
    assert trained
    assert all(
        not torch.equal(fresh[name], weight) for name, weight in whole.model.named_parameters() if name in trained
    )
    frozen = whole.model.get_base_model().bert.embeddings.state_dict()
    assert all(torch.equal(weight, base[name]) for name, weight in frozen.items())


# ---- The Hub ----


def test_what_concerns_the_hub_is_trainers(pair, tmp_path):
    toy = make_toy("single-label", pair)
    ours = make_trainer(toy, tmp_path)
    theirs = plain(ours)
    assert (ours.args.push_to_hub, ours.hub_model_id) == (theirs.args.push_to_hub, theirs.hub_model_id)
    ours.save_model(tmp_path / "saved")
    theirs.save_model(tmp_path / "plain")
    extra = {file.name for file in (tmp_path / "saved").iterdir()} - {
        file.name for file in (tmp_path / "plain").iterdir()
    }
    assert "teacher_manifest.json" in extra
    assert all(name in ("teacher_manifest.json", "tokenizer.json", "tokenizer_config.json") for name in extra)
    manifest = json.loads((tmp_path / "saved" / "teacher_manifest.json").read_text())
    assert [teacher["name"] for teacher in manifest["teachers"]] == ["first", "second"]
