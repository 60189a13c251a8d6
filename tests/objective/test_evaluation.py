import logging

import numpy as np
import pytest
import torch
from scipy.spatial.distance import jensenshannon
from scipy.stats import pearsonr

from helpers.toys import TASKS, make_toy, make_trainer, sharpen


def rows_of(trainer, toy):
    """For every row: the student's answer, its label, and what each teacher said (None: it does not have the row)."""
    rows = []
    for batch in trainer.get_eval_dataloader():
        read = [None, *(trainer.distillation_objective.teachers.sources)]
        models = [trainer.model.eval(), *(teacher.model for teacher in trainer.teachers)]
        said = []
        for model, source in zip(models, read, strict=True):
            prefix = "" if source is None else f"teacher_{source}_"
            inputs = {name: batch[prefix + name] for name in ("input_ids", "attention_mask", "token_type_ids")}
            with torch.no_grad():
                said.append(model(**inputs).logits.double().numpy())
        labels = batch["labels"].numpy()
        if toy.task != "tagging":
            rows += list(zip(*said, strict=True))
            continue
        for example, position in zip(*np.nonzero(labels != -100), strict=True):
            row = [said[0][example, position]]
            for logits, source in zip(said[1:], read[1:], strict=True):
                there = position if source is None else int(batch[f"teacher_{source}_positions"][example, position])
                row.append(None if there < 0 else logits[example, there])
            rows.append(tuple(row))
    return rows


def softmax(logits):
    powers = np.exp(logits - logits.max())
    return powers / powers.sum()


def check(metrics, name, pairs):
    assert metrics[f"eval_label_loyalty/{name}"] == pytest.approx(
        np.mean([s.argmax() == t.argmax() for s, t in pairs])
    )
    near = [1 - jensenshannon(softmax(t), softmax(s)) for s, t in pairs]
    assert metrics[f"eval_probability_loyalty/{name}"] == pytest.approx(np.mean(near), rel=1e-5)


@pytest.mark.parametrize("positions", ["labelled", "all"])
def test_loyalty_of_taggers_is_scipys_over_labelled_words(positions, pair, tmp_path):
    toy = make_toy("tagging", pair)
    sharpen(toy.student)
    trainer = make_trainer(toy, tmp_path, distill_positions=positions)
    metrics, rows = trainer.evaluate(), rows_of(trainer, toy)
    for teacher, name in enumerate(("first", "second"), start=1):
        check(metrics, name, [(row[0], row[teacher]) for row in rows if row[teacher] is not None])
    joined = [np.log(np.mean([softmax(logits) for logits in row[1:] if logits is not None], axis=0)) for row in rows]
    check(metrics, "ensemble", [(row[0], together) for row, together in zip(rows, joined, strict=True)])
    assert 0 < metrics["eval_label_loyalty/second"] < 1


@pytest.mark.parametrize("ensemble", ["probabilities", "logits"])
def test_loyalty_to_the_ensemble_is_to_what_the_student_learns_from(ensemble, pair, tmp_path):
    toy = make_toy("single-label", pair)
    sharpen(toy.student)
    trainer = make_trainer(toy, tmp_path, teacher_weights=[3, 1], ensemble=ensemble)
    rows = rows_of(trainer, toy)
    if ensemble == "logits":
        joined = [0.75 * one + 0.25 * two for _, one, two in rows]
    else:
        joined = [np.log(0.75 * softmax(one) + 0.25 * softmax(two)) for _, one, two in rows]
    check(trainer.evaluate(), "ensemble", [(row[0], together) for row, together in zip(rows, joined, strict=True)])


def test_loyalty_of_several_labels_is_the_mean_over_the_labels(pair, tmp_path):
    toy = make_toy("multi-label", pair)
    sharpen(toy.student)
    trainer = make_trainer(toy, tmp_path)
    metrics, rows = trainer.evaluate(), rows_of(trainer, toy)
    pairs = [(np.array([s, 0.0]), np.array([t, 0.0])) for row in rows for s, t in zip(row[0], row[1], strict=True)]
    check(metrics, "first", pairs)


def test_loyalty_of_a_regression_is_pearsons_correlation(pair, tmp_path):
    toy = make_toy("regression", pair)
    sharpen(toy.student)
    trainer = make_trainer(toy, tmp_path, teacher_weights=[1, 3], per_device_eval_batch_size=4)
    metrics, rows = trainer.evaluate(), rows_of(trainer, toy)
    student, one, two = (np.array([row[model][0] for row in rows]) for model in range(3))
    expected = {"first": one, "second": two, "ensemble": 0.25 * one + 0.75 * two}
    for name, outputs in expected.items():
        assert metrics[f"eval_regression_loyalty/{name}"] == pytest.approx(pearsonr(student, outputs)[0], rel=1e-4)
    assert not any("label_loyalty" in name for name in metrics)


def test_a_regression_without_spread_has_no_loyalty_and_says_so(pair, tmp_path, caplog):
    toy = make_toy("regression", pair)
    with torch.no_grad():
        toy.student.classifier.weight.zero_()
    with caplog.at_level(logging.WARNING, logger="hf_multiteacher"):
        metrics = make_trainer(toy, tmp_path).evaluate()
    assert "No regression loyalty to first" in caplog.text
    assert not any("loyalty" in name for name in metrics)


@pytest.mark.parametrize("task", TASKS)
def test_figures_do_not_depend_on_the_batches(task, pair, tmp_path):
    toy = make_toy(task, pair, hidden_state_weight=0.5)
    sharpen(toy.student)
    runs = [make_trainer(toy, tmp_path, per_device_eval_batch_size=size).evaluate() for size in (22, 5)]
    names = [name for name in runs[0] if "loyalty" in name or "soft_loss" in name or "hidden_loss" in name]
    assert {"eval_soft_loss", "eval_hidden_loss", "eval_hidden_loss/second"} <= set(names)
    assert {name: runs[0][name] for name in names} == pytest.approx({name: runs[1][name] for name in names}, rel=1e-4)


def test_one_teacher_has_no_ensemble(pair, tmp_path):
    for task in ("single-label", "regression"):
        toy = make_toy(task, pair)
        metrics = make_trainer(toy, tmp_path, teachers=toy.teachers[:1]).evaluate()
        assert any("loyalty/first" in name for name in metrics)
        assert not any("ensemble" in name for name in metrics)


def test_soft_losses_of_an_evaluation_are_those_of_training(pair, tmp_path):
    toy = make_toy("tagging", pair, hidden_state_weight=0.5)
    one_step = {"per_device_train_batch_size": 96, "max_steps": 1, "logging_steps": 1, "learning_rate": 0.0}
    trainer = make_trainer(toy, tmp_path, eval_dataset=toy.train, **one_step)
    trainer.train()
    trained, evaluated = trainer.state.log_history[0], trainer.evaluate()
    for name in ("soft_loss", "soft_loss/first", "soft_loss/second", "hidden_loss", "hidden_loss/second"):
        assert evaluated[f"eval_{name}"] == pytest.approx(trained[name], rel=1e-5), name


@pytest.mark.parametrize("task", TASKS)
def test_a_student_that_has_diverged_is_evaluated_without_loyalty_and_the_run_says_so(task, pair, tmp_path, caplog):
    toy = make_toy(task, pair)
    with torch.no_grad():
        next(iter(toy.student.parameters())).fill_(float("nan"))
    with caplog.at_level(logging.WARNING, logger="hf_multiteacher"):
        metrics = make_trainer(toy, tmp_path).evaluate()
    measures = ("regression",) if task == "regression" else ("label", "probability")
    for measure in measures:
        assert f"No {measure} loyalty to first: " in caplog.text and "NaN" in caplog.text
    assert not any("loyalty" in name for name in metrics)
    assert np.isnan(metrics["eval_soft_loss"])


def test_one_row_without_a_distribution_takes_loyalty_to_that_teacher_alone_away(pair, tmp_path, caplog):
    toy = make_toy("single-label", pair)
    with torch.no_grad():
        toy.teachers[1].model.classifier.bias[0] = float("inf")
    with caplog.at_level(logging.WARNING, logger="hf_multiteacher"):
        metrics = make_trainer(toy, tmp_path, per_device_eval_batch_size=5).evaluate()
    assert {name for name in metrics if "loyalty" in name} == {
        "eval_label_loyalty/first",
        "eval_probability_loyalty/first",
    }
    assert "No label loyalty to second: " in caplog.text and "to first" not in caplog.text
