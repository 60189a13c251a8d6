"""Stages, one bar and one short line per log; nothing else, and everything as it was afterwards."""

import io
import logging
import math
import re

import pytest
import torch
from transformers import PrinterCallback, ProgressCallback, Trainer, TrainerCallback, TrainingArguments

from helpers.toys import make_toy, make_trainer
from hf_multiteacher.recipes.terminal.progress import Progress


class Terminal(io.StringIO):
    """Somewhere a bar can be drawn."""

    def isatty(self):
        return True


class Line(torch.nn.Module):
    """A model of one weight."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(1))

    def forward(self, inputs, labels):
        return {"loss": ((self.weight * inputs - labels) ** 2).mean(), "logits": self.weight * inputs}


class Components(TrainerCallback):
    """Adds to a log what the distillation does, as far as it is shown."""

    def on_log(self, args, state, control, logs=None, **kwargs):
        if "loss" in logs:
            logs |= {"soft_loss": 0.5, "soft_loss/teacher": 0.5, "hard_loss": math.nan}


def trainer(folder, **changes):
    """A trainer whose log holds a soft and a hard loss."""
    settings = {"max_steps": 40, "logging_steps": 1, "save_strategy": "no", "report_to": [], "use_cpu": True}
    args = TrainingArguments(str(folder), per_device_train_batch_size=1, **settings | changes)
    data = [{"inputs": torch.ones(1), "labels": torch.zeros(1)}] * 4
    return Trainer(Line(), args, train_dataset=data, eval_dataset=data, callbacks=[Components()])


def train(folder, **changes):
    """Follow a training and evaluate after it."""
    with Progress(2) as progress:
        progress.stage("Distil the student from both")
        followed = trainer(folder, **changes)
        progress.follow(followed)
        followed.train()
        progress.stage("Measure")
        followed.evaluate()


def test_a_file_gets_stages_and_ten_lines_of_a_training_and_not_one_escape_code(tmp_path, capsys):
    train(tmp_path)
    printed = capsys.readouterr()
    first, *logs, last = printed.err.splitlines()
    assert not printed.out and not re.search(r"[\r\x1b]", printed.err)
    assert (first, last) == ("[1/2] Distil the student from both", "[2/2] Measure")
    assert [line.split()[1] for line in logs] == [f"{step}/40" for step in range(4, 41, 4)]
    assert all(
        re.fullmatch(r"  step \d+/40  loss \S+  soft 0.5  hard nan  \d\d:\d\d left", line) for line in logs[:-1]
    )
    assert re.search(r"  took \d\d:\d\d$", logs[-1])


def test_lines_in_a_file_are_equally_far_apart_and_the_last_step_has_one_though_it_logs_nothing(tmp_path, capsys):
    train(tmp_path, max_steps=30, logging_steps=4)
    _, *logs, _ = capsys.readouterr().err.splitlines()
    assert [line.split()[1] for line in logs] == [f"{step}/30" for step in (4, 8, 12, 16, 20, 24, 28, 30)]
    assert re.fullmatch(r"  step 30/30  mean loss \S+  took \d\d:\d\d", logs[-1])

    train(tmp_path, max_steps=30, logging_steps=2)
    steps = [int(line.split()[1].split("/")[0]) for line in capsys.readouterr().err.splitlines()[1:-1]]
    assert steps == [4, 8, 12, 16, 20, 24, 28, 30], "every second log, and the last one"


def test_lines_in_a_file_come_after_a_resume_as_often_as_before_it(tmp_path, capsys):
    train(tmp_path, save_strategy="steps", save_steps=20)
    capsys.readouterr()
    with Progress(1) as progress:
        resumed = trainer(tmp_path, save_steps=20)
        progress.follow(resumed)
        resumed.train(resume_from_checkpoint=str(tmp_path / "checkpoint-20"))
    assert [line.split()[1] for line in capsys.readouterr().err.splitlines()] == [f"{n}/40" for n in range(24, 41, 4)]


def test_a_resume_with_nothing_changed_is_no_news(tmp_path, capsys):
    settings = {"max_steps": 2, "logging_steps": 0.9, "save_strategy": "steps", "save_steps": 1}
    make_trainer(make_toy("masked-lm"), tmp_path, **settings).train()
    capsys.readouterr()
    logging.Logger.warning_once.cache_clear()
    with Progress(1) as progress:
        resumed = make_trainer(make_toy("masked-lm"), tmp_path, **settings)
        progress.follow(resumed)
        resumed.train(resume_from_checkpoint=str(tmp_path / "checkpoint-1"))
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("  step 2/2  loss ")


def test_a_training_that_stops_early_ends_with_a_line(tmp_path, capsys):
    class Stop(TrainerCallback):
        def on_step_end(self, args, state, control, **kwargs):
            control.should_training_stop = state.global_step == 5

    followed = trainer(tmp_path, logging_steps=3)
    followed.add_callback(Stop())
    with Progress(1) as progress:
        progress.follow(followed)
        followed.train()
    assert capsys.readouterr().err.splitlines()[-1].startswith("  step 5/40  mean loss ")


def test_a_terminal_gets_every_log_above_one_bar_that_goes_away(tmp_path, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    train(tmp_path, max_steps=12, eval_strategy="steps", eval_steps=6)
    shown = terminal.getvalue()
    assert len(re.findall(r"  step \d+/12  loss", shown)) == 12
    assert len(re.findall(r"  step \d+/12  evaluation:  loss \S+\s", shown)) == 2
    assert "  step 0/12 |" in shown and "it/s" not in shown
    assert shown.endswith("\r[2/2] Measure\n")


def test_an_evaluation_says_the_students_figures_in_80_columns(tmp_path, capsys):
    def figures(output):
        return {"accuracy/teacher": 0.5} | {f"a_measure_with_a_long_name_{number}": 0.25 for number in range(4)}

    measured = trainer(tmp_path, max_steps=2, eval_strategy="steps", eval_steps=2)
    measured.compute_metrics = figures
    with Progress(1) as progress:
        progress.follow(measured)
        measured.train()
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "evaluation:" in line]
    assert len(line) <= 80 and "a measure with a long name 0 0.25" in line and "teacher" not in line


def test_a_bar_that_an_error_has_left_goes_away_with_the_progress(tmp_path, monkeypatch):
    class Failing(TrainerCallback):
        def on_step_end(self, *others, **kwargs):
            raise ValueError("no training today")

    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    followed = trainer(tmp_path)
    followed.add_callback(Failing())
    with pytest.raises(ValueError, match="no training today"), Progress(1) as progress:
        progress.follow(followed)
        followed.train()
    assert terminal.getvalue().rstrip(" ").endswith("\r") and not followed.callback_handler.callbacks[-1].bar


def test_a_resumed_training_counts_the_time_of_its_own_steps(tmp_path, monkeypatch, capsys):
    train(tmp_path, max_steps=8, save_strategy="steps", save_steps=8)
    capsys.readouterr()
    clock = iter(range(0, 1000, 10))
    monkeypatch.setattr("hf_multiteacher.recipes.terminal.progress.monotonic", lambda: next(clock))
    with Progress(1) as progress:
        resumed = trainer(tmp_path, max_steps=12, save_steps=8)
        progress.follow(resumed)
        resumed.train(resume_from_checkpoint=str(tmp_path / "checkpoint-8"))
    left = [line.split("  ")[-1] for line in capsys.readouterr().err.splitlines()]
    assert left == ["00:10 left", "took 00:20"]


def test_a_bar_stands_at_the_step_also_after_a_resume(tmp_path, monkeypatch):
    class Watching(TrainerCallback):
        def on_step_end(self, args, state, control, **kwargs):
            assert resumed.callback_handler.callbacks[-2].bar.n == state.global_step

    terminal = Terminal()
    train(tmp_path, max_steps=8, save_strategy="steps", save_steps=8)
    monkeypatch.setattr("sys.stderr", terminal)
    with Progress(1) as progress:
        resumed = trainer(tmp_path, max_steps=12, save_steps=8)
        progress.follow(resumed)
        resumed.add_callback(Watching())
        resumed.train(resume_from_checkpoint=str(tmp_path / "checkpoint-8"))
    assert terminal.getvalue().lstrip("\r").startswith("  step 8/12 |")


@pytest.mark.parametrize("disable_tqdm", [True, False])
def test_the_trainer_prints_as_always_where_that_was_asked_for(tmp_path, capsys, disable_tqdm):
    own = PrinterCallback if disable_tqdm else ProgressCallback
    for verbose in (True, False):
        followed = trainer(tmp_path, disable_tqdm=disable_tqdm)
        Progress(1, verbose=verbose).follow(followed)
        assert (own in map(type, followed.callback_handler.callbacks)) == verbose


def test_only_the_first_rank_names_the_stages(monkeypatch, capsys):
    for rank in ("1", "0"):
        monkeypatch.setenv("RANK", rank)
        Progress(1).stage(f"seen by rank {rank}")
    assert capsys.readouterr().err == "[1/1] seen by rank 0\n"


def test_a_rank_that_is_not_the_first_says_nothing_of_its_training(tmp_path, capsys):
    followed = trainer(tmp_path, max_steps=2)
    followed.is_world_process_zero = lambda: False
    with Progress(1) as progress:
        progress.follow(followed)
        followed.state.is_world_process_zero = False
        followed.state.global_step = followed.state.max_steps = 2
        inner = followed.callback_handler.callbacks[-1]
        inner.on_train_begin(followed.args, followed.state, followed.control)
        inner.on_log(followed.args, followed.state, followed.control, logs={"loss": 1.0})
    assert not capsys.readouterr().err
