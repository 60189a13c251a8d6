"""What a trainer tells before it trains: the same figures as the training, and nothing is changed by it."""

import random

import numpy as np
import pytest
import torch
from transformers import TrainerCallback

from helpers.toys import TASKS, largest_difference, make_toy, make_trainer, weights_of
from hf_multiteacher.training.preflight import memory, trial
from hf_multiteacher.training.preflight.preflight import preflight
from hf_multiteacher.training.preflight.trial import try_steps

ALL = {"per_device_train_batch_size": 16, "train_sampling_strategy": "sequential"}  # 96 examples: six batches


def found(trainer, topic):
    return [each for each in trainer.preflight() if each.topic == topic]


class Forbidden(TrainerCallback):
    """A user's callback, which a trial must not call."""

    def on_train_begin(self, *event, **kwargs):
        raise AssertionError("nobody is told of a trial")


def state_of(trainer):
    generators = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()
    attributes = {name: id(value) for name, value in vars(trainer).items()}
    return attributes, generators, vars(trainer.args).copy(), [id(each) for each in trainer.callback_handler.callbacks]


@pytest.mark.parametrize("hidden", [0.0, 0.5])
@pytest.mark.parametrize("task", ["masked-lm", "tagging"])
def test_the_training_is_the_same_bit_for_bit_after_a_look_at_it(task, hidden, tmp_path):
    settings = {"hidden_state_weight": hidden, "max_steps": 4, "optim": "adamw_torch"}
    plain, looked = (make_trainer(make_toy(task), tmp_path / "out", **settings) for _ in range(2))
    before, was = weights_of(looked), state_of(looked)
    looked.preflight()
    assert state_of(looked) == was
    assert largest_difference(before, weights_of(looked)) == 0
    assert all(weight.grad is None for weight in [*looked.model.parameters(), *looked.projections])

    plain.train()
    looked.train()
    assert largest_difference(weights_of(plain), weights_of(looked)) == 0
    logs = [[{**entry, **dict.fromkeys(TIMES)} for entry in each.state.log_history] for each in (plain, looked)]
    assert logs[0] == logs[1]


TIMES = ("train_runtime", "train_samples_per_second", "train_steps_per_second", "total_flos")


def test_nothing_is_written_and_nobody_is_told(tmp_path):
    folders = {"teacher_cache": str(tmp_path / "cache"), "save_strategy": "steps", "save_steps": 1}
    trainer = make_trainer(make_toy("tagging"), tmp_path / "out", **folders, eval_strategy="steps", eval_steps=1)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    trainer.add_callback(Forbidden())
    assert trainer.preflight().level == "ok"
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


@pytest.mark.parametrize("accumulated", [1, 2])
@pytest.mark.parametrize("task", ["masked-lm", "tagging"])
def test_coverage_is_what_the_training_logs(task, accumulated, tmp_path):
    steps = {"max_steps": 6 // accumulated, "logging_steps": 6 // accumulated}
    arguments = {**ALL, **steps, "gradient_accumulation_steps": accumulated, "learning_rate": 0.0}
    trainer = make_trainer(make_toy(task), tmp_path, **arguments)
    figures = trainer.preflight().figures
    trainer.train()
    logged = next(entry for entry in trainer.state.log_history if "soft_loss" in entry)
    names = [name for name in logged if name.startswith(("coverage/", "shared_mass/"))]
    assert names == (["coverage/second", "shared_mass/second"] if task == "masked-lm" else ["coverage/second"])
    assert {name: figures[name] for name in names} == pytest.approx({name: logged[name] for name in names}, rel=1e-5)


@pytest.mark.parametrize("task", TASKS)
def test_every_task_is_looked_at(task, tmp_path):
    report = make_trainer(make_toy(task), tmp_path, num_train_epochs=2, max_steps=-1).preflight()
    topics = [each.topic for each in report]
    assert topics[:2] == ["teacher", "teacher"]
    assert topics[-4:] == ["time", "memory", "output disk", "teacher cache"]
    assert report.figures["steps"] == 12 and report.figures["seconds"] > 0
    assert report.level == ("warning" if any(each.level == "warning" for each in report) else "ok")


def test_a_stream_is_looked_at_without_its_length(tmp_path):
    stream = make_toy("masked-lm").train.to_iterable_dataset()
    report = make_trainer(make_toy("masked-lm"), tmp_path, train_dataset=stream, max_steps=7).preflight()
    assert report.figures["steps"] == 7 and "teacher cache" not in [each.topic for each in report]


def test_a_trainer_without_teachers_tells_time_and_memory(tmp_path):
    report = make_trainer(make_toy("single-label"), tmp_path, teachers=None).preflight()
    assert [each.topic for each in report] == ["time", "memory", "output disk"]


def test_fewer_examples_than_a_batch_are_tried_too(tmp_path):
    few = make_toy("tagging").train.select(range(5))
    assert make_trainer(make_toy("tagging"), tmp_path, train_dataset=few).preflight().figures["steps"] == 20


def test_masked_text_fills_its_pieces_and_is_not_called_cut(tmp_path):
    for task, topics in (("masked-lm", []), ("tagging", ["length"])):
        report = preflight(make_trainer(make_toy(task), tmp_path), max_length=5)
        assert [each.topic for each in report if each.topic == "length"] == topics


def test_a_batch_beyond_the_data_is_a_warning(tmp_path):
    report = make_trainer(make_toy("tagging"), tmp_path, per_device_train_batch_size=200_000).preflight()
    assert [each.level for each in report if each.topic == "batch"] == ["warning"]


def test_batches_that_take_too_long_are_tried_in_part(tmp_path, monkeypatch):
    toy, batches = make_toy("tagging"), {"per_device_train_batch_size": 16}
    whole = make_trainer(toy, tmp_path, **batches).preflight()
    monkeypatch.setattr(trial, "LONGEST_WARM_UP", 0.0)
    monkeypatch.setattr(trial, "SECONDS", 1e-9)
    part = make_trainer(toy, tmp_path, **batches).preflight()
    (time,) = (each for each in part if each.topic == "time")
    assert "Extrapolated from 1 of the 16 examples of a batch." in time.says
    assert not any("Extrapolated" in each.says for each in whole)
    assert part.figures["cache_bytes"] == pytest.approx(whole.figures["cache_bytes"], rel=0.5)
    assert 0 < part.figures["teachers_share_of_step"] <= 1


def test_the_examples_that_were_left_out_count_in_time_and_memory(tmp_path, monkeypatch):
    steps = []

    def some_steps(trainer, sample, whole):
        steps.append(sample)
        return try_steps(trainer, sample, whole)

    monkeypatch.setattr("hf_multiteacher.training.preflight.preflight.try_steps", some_steps)
    monkeypatch.setattr("hf_multiteacher.training.preflight.preflight.measured_peak", lambda device, held: 1000)
    monkeypatch.setattr(trial.StopWatch, "_now", lambda watch: (1.0 + watch.trainer.state.global_step, 0.0))
    monkeypatch.setattr(trial, "LONGEST_WARM_UP", 0.0)
    monkeypatch.setattr(trial, "SECONDS", 1e-9)
    figures = make_trainer(make_toy("tagging"), tmp_path, per_device_train_batch_size=16).preflight().figures
    assert [sample.batch_size for sample in steps] == [1]
    assert figures["seconds_per_step"] == 16 and figures["memory_bytes"] > 1000 + 15


@pytest.mark.parametrize("task", TASKS)
def test_the_size_of_a_cache_is_that_of_the_real_one(task, tmp_path):
    settings = {"num_train_epochs": 2, "max_steps": -1, "hidden_state_weight": 0.5, "report_loyalty": False}
    settings |= {"teacher_cache": str(tmp_path / "cache"), **({"mask_rounds": 1} if task == "masked-lm" else {})}
    trainer = make_trainer(make_toy(task), tmp_path / "out", **settings)
    expected = trainer.preflight().figures["cache_bytes"]
    trainer.train()
    stores = [store for kept in trainer.teachers.kept for store in kept.stores.values()]
    heads = sum(kept.head_bytes for kept in trainer.teachers.kept)
    assert expected == pytest.approx(heads + sum(store.bytes for store in stores), rel=0.1)


def test_a_teacher_that_answers_nan_stops_it_by_name(tmp_path):
    toy = make_toy("tagging")
    with torch.no_grad():
        toy.teachers[1].model.classifier.bias.fill_(float("nan"))
    report = make_trainer(toy, tmp_path).preflight()
    assert report.level == "stop" and report[-1].topic == "first steps"
    assert "Teacher 'second' answered NaN" in report[-1].says and "would stop there too" in report[-1].do


def test_rows_that_are_left_out_are_told(tmp_path):
    toy = make_toy("tagging")
    with torch.no_grad():
        toy.teachers[1].model.classifier.bias.fill_(float("nan"))
    (answers,) = found(make_trainer(toy, tmp_path, skip_nonfinite_rows=True), "answers")
    assert answers.level == "warning" and answers.figures["skipped_rows/second"] > 0


def test_too_little_memory_for_the_optimizer_stops_it_before_a_step(tmp_path, monkeypatch):
    trainer = make_trainer(make_toy("tagging"), tmp_path, optim="adamw_torch")
    monkeypatch.setattr(memory.Room, "of", lambda device: memory.Room(1000, 1000))
    report = trainer.preflight()
    assert report[-1].level == "stop" and "optimizer's states take at least" in report[-1].says


def test_a_batch_that_does_not_fit_stops_it_after_a_step_with_one_example(tmp_path, monkeypatch):
    trainer = make_trainer(make_toy("masked-lm"), tmp_path)
    free = memory.bytes_of_states(trainer) + 50_000
    monkeypatch.setattr(memory.Room, "of", lambda device: memory.Room(free, free))
    report = trainer.preflight()
    assert report[-1].level == "stop" and "A step on the longest batch takes at least" in report[-1].says
    assert "smaller per_device_train_batch_size" in report[-1].do


def test_a_device_that_runs_full_in_a_step_is_told_with_the_remedy(tmp_path, monkeypatch):
    def full(*given):
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr("hf_multiteacher.training.preflight.preflight.try_steps", full)
    report = make_trainer(make_toy("tagging"), tmp_path).preflight()
    assert (report[-1].topic, report[-1].level) == ("memory", "stop")


def test_without_training_data_there_is_nothing_to_try(tmp_path):
    with pytest.raises(ValueError, match="has no train_dataset"):
        make_trainer(make_toy("tagging"), tmp_path, train_dataset=None).preflight()


def test_data_without_an_example_stop_it(tmp_path):
    (finding,) = make_trainer(
        make_toy("tagging"), tmp_path, train_dataset=make_toy("tagging").train.select([])
    ).preflight()
    assert (finding.topic, finding.level) == ("data", "stop")


def test_one_of_several_processes_is_refused(tmp_path, monkeypatch):
    trainer = make_trainer(make_toy("tagging"), tmp_path)
    monkeypatch.setattr(type(trainer.args), "world_size", 2)
    with pytest.raises(ValueError, match="this is one of 2"):
        trainer.preflight()


def test_labels_are_needed_where_the_teachers_say_nothing(tmp_path):
    toy = make_toy("single-label")
    unlabelled = toy.train.map(lambda row: {"label": -100})
    learning = {"soft_target_weight": 0.0, "train_dataset": unlabelled}
    (labels,) = found(make_trainer(toy, tmp_path, **learning), "labels")
    assert labels.level == "stop" and "hard_label_weight=0" in labels.do
    (labels,) = found(make_trainer(toy, tmp_path, train_dataset=unlabelled), "labels")
    assert labels.level == "warning" and labels.figures == {"unlabelled": 1.0}
