"""Teachers that speak about some examples only: no number depends on how these lie in batches."""

import numpy as np
import pytest

from helpers.toys import TASKS, largest_difference, make_toy, make_trainer, routed, weights_of


def of_first(data):
    """The examples about which the first teacher may speak."""
    return data.select([row for row in range(len(data)) if row % 4 in (0, 3)])


def counted(prediction):
    """How many examples or labelled words there are."""
    labels = prediction.label_ids
    return {"rows": int((labels != -100).sum()) if labels.ndim == 2 and labels.dtype.kind == "i" else len(labels)}


@pytest.mark.parametrize("task", TASKS)
def test_accumulation_changes_nothing(task, pair, tmp_path):
    toy = routed(make_toy(task, pair, examples=48, max_steps=6, hidden_state_weight=0.5))
    whole = make_trainer(toy, tmp_path)
    parts = make_trainer(toy, tmp_path, per_device_train_batch_size=2, gradient_accumulation_steps=8)
    for each in (whole, parts):
        each.train()
    assert largest_difference(weights_of(whole), weights_of(parts)) < 1e-6
    for ours, theirs in zip(whole.state.log_history[:-1], parts.state.log_history[:-1], strict=True):
        assert ours == pytest.approx(theirs, rel=1e-4, abs=1e-6)


def test_examples_about_which_nobody_speaks_are_no_rows_of_the_soft_loss(pair, tmp_path):
    toy = routed(make_toy("single-label", pair))
    trainer = make_trainer(toy, tmp_path, max_steps=6, logging_steps=6, num_train_epochs=1)
    counts = trainer.distillation_objective.count(trainer.get_train_dataloader())
    assert (counts["hard"], counts["soft"], counts["soft/first"], counts["soft/second"]) == (96, 72, 48, 48)
    trainer.train()
    logged = trainer.state.log_history[0]
    assert logged["teacher_weight/first"] + logged["teacher_weight/second"] == pytest.approx(1)


@pytest.mark.parametrize("task", ["tagging", "single-label", "multi-label", "regression"])
def test_a_teacher_is_measured_where_it_may_speak(task, pair, tmp_path):
    toy = routed(make_toy(task, pair))
    trainer = make_trainer(toy, tmp_path, compute_metrics=counted, per_device_eval_batch_size=5)
    everywhere, own = trainer.evaluate(), trainer.evaluate(of_first(toy.evaluation))
    same = [name for name in everywhere if name.endswith("/first") and "coverage" not in name]
    assert len(same) >= 4
    assert {name: everywhere[name] for name in same} == pytest.approx({name: own[name] for name in same}, rel=1e-4)
    assert everywhere["eval_coverage/first"] == pytest.approx(own["eval_rows"] / everywhere["eval_rows"])
    assert everywhere["eval_rows/ensemble"] < everywhere["eval_rows"]
    assert not any(np.isnan(value) for value in everywhere.values())


def test_names_of_nobody_are_refused_when_the_trainer_is_made(pair, tmp_path):
    toy = make_toy("single-label", pair)
    data = toy.train.add_column("taught_by", [["third"]] * len(toy.train))
    with pytest.raises(ValueError, match="nobody knows who is meant"):
        make_trainer(toy, tmp_path, train_dataset=data)
