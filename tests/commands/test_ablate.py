"""`hf-multiteacher ablate`: from a file to a table, cell by cell, and never a cell twice."""

import json
import math
import shutil
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
import yaml

from helpers.experiments import save_models
from hf_multiteacher import MultiTeacherDistillationTrainer
from hf_multiteacher.commands.main import main
from hf_multiteacher.recipes.ablation.distillation import CellsOfTask
from hf_multiteacher.recipes.ablation.teachers import TaskTeacher
from hf_multiteacher.recipes.results.figures import Figures
from hf_multiteacher.recipes.stopping import TrainingStoppedError
from hf_multiteacher.recipes.task_distillation import TaskDistillation

pytestmark = pytest.mark.usefixtures("few_sentences")
TRAINING = {"max_steps": 3, "per_device_train_batch_size": 4, "use_cpu": True, "disable_tqdm": True}
ARMS = {"alone": {"teachers": []}, "A": {"teachers": ["A"]}, "both": {"ensemble": "logits"}}


@pytest.fixture(scope="module")
def finished(tmp_path_factory, cased_tokenizer, uncased_tokenizer):
    """A file of two tasks, and the folder that its ablation has left."""
    folder = tmp_path_factory.mktemp("ablation")
    save_models(folder, cased_tokenizer, uncased_tokenizer)
    content = {
        "tasks": {"ner": {"max_length": 24}, "sts": {}},
        "data": "synthetic",
        "teachers": {"A": str(folder / "cased"), "B": str(folder / "uncased")},
        "student_layers": 1,
        "labelled_rows": 20,
        "unlabelled_rows": 10,
        "arms": ARMS,
        "seeds": [1, 2],
        "output_dir": str(folder / "out"),
        "learning_rate": "1e-3",
        "fine_tuning": {"max_steps": 2},
        **TRAINING,
    }
    (folder / "a.yaml").write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    said = (folder / "said").open("w", encoding="utf-8")
    with (folder / "printed").open("w", encoding="utf-8") as printed, redirect_stdout(printed), redirect_stderr(said):
        assert main(["ablate", str(folder / "a.yaml")]) == 0
    said.close()
    return folder


def ablate(folder: Path, *flags: str) -> int:
    return main(["ablate", str(folder / "a.yaml"), *flags])


def test_every_cell_is_kept_and_the_table_has_every_arm(finished):
    cells = sorted(path.relative_to(finished / "out/cells").as_posix() for path in (finished / "out").rglob("*.npz"))
    assert cells == sorted(f"{task}/{arm}/{seed}.npz" for task in ("ner", "sts") for arm in ARMS for seed in (1, 2))

    printed = (finished / "printed").read_text("utf-8")
    assert max(map(len, printed.splitlines()[:-1])) <= 80
    for word in ("alone", "both", "teacher A", "ensemble", "reference", "loyal B"):
        assert word in printed
    ner = json.loads((finished / "out/ablation.json").read_text("utf-8"))["tasks"]["ner"]
    assert f"teacher A  {ner['teachers']['A']['figure']:.4f}" in printed, "shares, as in the card"
    assert "## sts: pearson" in (finished / "out/ablation.md").read_text("utf-8")
    assert (finished / "out/ablation.png").is_file()


def test_a_reader_meanwhile_sees_stages_steps_and_figures_and_nothing_of_the_kept_outputs(finished):
    said = (finished / "said").read_text("utf-8")
    assert "step 3/3" in said and "  pearson " in said
    assert "teacher_cache" not in said


def test_the_figures_say_who_learned_what_from_whom(finished):
    written = json.loads((finished / "out/ablation.json").read_text("utf-8"))
    ner = written["tasks"]["ner"]
    assert ner["reference"] == "A" and ner["arms"]["A"]["gain"] is None
    assert ner["arms"]["both"]["gain"].keys() == {"value", "standard_error", "interval", "over_examples", "over_seeds"}
    assert ner["arms"]["alone"]["loyalty"].keys() == {"A", "B", "ensemble"}
    assert ner["arms"]["A"]["loyalty"]["ensemble"].keys() == {"label_loyalty"}
    assert ner["arms"]["both"]["parameters"] < ner["teachers"]["A"]["parameters"]
    assert ner["teachers"]["A"]["loyalty"] == {"B": ner["teachers"]["B"]["loyalty"]["A"]}

    settings = {arm: json.loads((finished / f"out/cells/ner/{arm}/1.json").read_text())["settings"] for arm in ARMS}
    assert settings["A"]["teacher_weights"] == [1.0, 0.0] and settings["both"]["follows"] == ["A", "B"]
    assert settings["alone"]["unlabelled_rows"] == 0 and settings["both"]["unlabelled_rows"] == 10


def test_a_finished_cell_is_never_run_again_and_a_new_seed_alone_is(finished, monkeypatch, capsys):
    ran, run = [], CellsOfTask.run

    def run_and_note(cells, arm, seed, *more):
        ran.append(seed)
        return run(cells, arm, seed, *more)

    monkeypatch.setattr(CellsOfTask, "run", run_and_note)
    assert ablate(finished) == 0 and ran == []
    assert ablate(finished, "--tasks", "sts", "--seeds", "1", "3") == 0 and ran == [3, 3, 3]
    assert "1/3] sts: alone, seed 3" in capsys.readouterr().err


def test_the_data_are_read_once_for_all_arms_that_learn_from_the_same_and_figures_are_as_before(
    finished, tmp_path, monkeypatch
):
    read, keys = TaskDistillation._read, []

    def read_and_note(distillation):
        keys.append((distillation.config.task, distillation.config.unlabelled_rows))
        read(distillation)

    folder = tmp_path / "out"
    shutil.copytree(finished / "out/teachers", folder / "teachers")
    monkeypatch.setattr(TaskDistillation, "_read", read_and_note)
    arms = json.dumps({"both": ARMS["both"], "alone": ARMS["alone"], "A": ARMS["A"]})
    assert ablate(finished, "--tasks", "sts", "--arms", arms, "--output_dir", str(folder)) == 0
    assert keys == [("sts", 10), ("sts", 0)]

    for arm in ARMS:
        cells = [
            json.loads((out / f"cells/sts/{arm}/2.json").read_text("utf-8")) for out in (folder, finished / "out")
        ]
        assert cells[0]["quality"] == cells[1]["quality"] and cells[0]["loyalty"] == cells[1]["loyalty"]


def test_a_report_runs_nothing_and_looks_at_half_of_the_examples(finished, monkeypatch, capsys):
    monkeypatch.setattr(CellsOfTask, "run", None)
    assert ablate(finished, "--report", "--seeds", "1", "9", "--half", "2") == 0
    assert "30 compared" in capsys.readouterr().out


def test_calibration_looks_at_the_half_that_is_not_compared(finished, tmp_path, monkeypatch, capsys):
    looked_at, calibrate = [], MultiTeacherDistillationTrainer._calibrate_teachers
    load = TaskDistillation._load_task

    def note_and_calibrate(trainer):
        looked_at.append([row["input_ids"] for row in trainer.eval_dataset])
        calibrate(trainer)

    monkeypatch.setattr(MultiTeacherDistillationTrainer, "_calibrate_teachers", note_and_calibrate)
    monkeypatch.setattr(TaskDistillation, "_load_task", lambda each: replace(load(each), validation=None))
    arms = json.dumps({"both": {"calibrate_teachers": True}, "A": {"teachers": ["A"]}})
    for half in ((), ("--half", "1"), ("--half", "2")):
        out = tmp_path / f"out{''.join(half)}"
        shutil.copytree(finished / "out/teachers", out / "teachers")
        flags = ("--tasks", "ner", "--arms", arms, "--seeds", "1", "--output_dir", str(out))
        assert ablate(finished, *flags, *half) == 0

    all_of_them, first, second = looked_at
    assert sorted(first + second) == sorted(all_of_them) and second[0] == all_of_them[0]
    assert ablate(finished, *flags, "--half", "1", "--report") == 2
    assert "half" in capsys.readouterr().err


def test_an_ablation_that_is_asked_to_stop_ends_with_a_code_of_its_own(finished, monkeypatch, capsys):
    def stopped(*arguments):
        raise TrainingStoppedError("The same command goes on.")

    monkeypatch.setattr(CellsOfTask, "run", stopped)
    assert ablate(finished, "--tasks", "sts", "--seeds", "5") == 143
    assert capsys.readouterr().err.endswith("hf-multiteacher: The same command goes on.\n")


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--temperature", "4"], "was run with temperature=default (now 4)"),
        (["--max_steps", "5", "--tasks", "sts"], "was run with max_steps=3 (now 5)"),
        (["--fine_tuning", "{max_steps: 4}"], "The fine-tuning of the teacher in"),
        (["--report", "--output_dir", "elsewhere"], "Nothing in 'elsewhere' is finished"),
        (["--output_dir", "elsewhere", "--num_train_epochs", "-1"], "num_train_epochs must be a number"),
        (["--output_dir", "elsewhere", "--max_steps", "-5"], "max_steps must be a number from -1 on, got -5"),
        (
            ["--fine_tuning", "{A: {temperature: 3}}"],
            "fine_tuning has the key 'temperature', which means nothing while a",
        ),
        (["--fine_tuning", "{C: {max_steps: 2}}"], "fine_tuning has keys for 'C', which is none of the teachers A, B"),
        (["--fine_tuning", "{student: a}"], "fine_tuning has the key 'student', which means nothing while a teacher"),
        (
            ["--tasks", "sts", "--arms", "{more: {labelled_rows: 400000}}"],
            "The arm 'more' cannot be run in sts. labelled_rows is 400000, but",
        ),
        (
            ["--output_dir", "elsewhere", "--tasks", "sts", "--fine_tuning", "{max_length: 4000}"],
            "The teacher 'A' cannot learn sts. max_length is 4000, but",
        ),
    ],
)
def test_what_the_user_can_mend_is_one_line_and_code_2(finished, tmp_path, monkeypatch, capsys, flags, message):
    monkeypatch.chdir(tmp_path)
    assert ablate(finished, *flags) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("hf-multiteacher: ") and message in error


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ("{student: not/there, student_layers: null}", "cannot be run in sts. Student 'not/there' cannot be"),
        ("{teacher_weights: [1, 2, 3]}", "its teacher_weights are [1, 2, 3]. Give one for each"),
        ("{unlabelled: nothing.txt}", "cannot be run in sts. "),
        ("{student_layers: 9}", "cannot be run in sts. "),
    ],
)
def test_an_arm_that_cannot_be_run_is_refused_before_a_teacher_learns(finished, tmp_path, capsys, keys, message):
    out = tmp_path / "out"
    flags = ("--tasks", "sts", "--arms", f"{{all: {{}}, wrong: {keys}}}", "--output_dir", str(out))
    assert ablate(finished, *flags) == 2
    said = capsys.readouterr().err
    assert message in said.splitlines()[-1] and "learns" not in said
    assert not [*out.rglob("*.json")]


def test_no_teacher_is_calibrated_before_it_has_learned(finished, tmp_path, monkeypatch):
    calibrate = Mock()
    monkeypatch.setattr(MultiTeacherDistillationTrainer, "_calibrate_teachers", calibrate)
    monkeypatch.setattr(TaskDistillation, "train_teachers", Mock(side_effect=KeyboardInterrupt))
    flags = ("--tasks", "ner", "--calibrate_teachers", "true", "--output_dir", str(tmp_path / "out"))
    assert ablate(finished, *flags) == 130
    calibrate.assert_not_called()
    assert not [*(tmp_path / "out/teachers").rglob("A.*")], "nothing of a teacher that was stopped is left"


def test_nothing_at_all_is_answered_with_what_is_lacking(capsys):
    assert main(["ablate"]) == 2
    assert "The ablation lacks teachers. Add them to its file" in capsys.readouterr().err


def test_a_damaged_note_about_a_teacher_is_named(finished, tmp_path, capsys):
    shutil.copytree(finished / "out", tmp_path / "out")
    (tmp_path / "out/teachers/sts/A.json").write_text("", encoding="utf-8")
    assert ablate(finished, "--output_dir", str(tmp_path / "out")) == 2
    assert "A.json' is damaged. Remove it, and the teacher learns again." in capsys.readouterr().err


def test_a_teacher_that_another_run_has_taught_meanwhile_is_taken(finished, tmp_path, monkeypatch, capsys):
    learn = TaskTeacher.learn

    def learn_late(teacher, progress):
        shutil.copytree(finished / "out/teachers", tmp_path / "out/teachers", dirs_exist_ok=True)
        learn(teacher, progress)

    monkeypatch.setattr(TaskTeacher, "learn", learn_late)
    assert ablate(finished, "--tasks", "sts", "--seeds", "1", "--output_dir", str(tmp_path / "out")) == 0
    said = capsys.readouterr().err
    assert "the teacher A learns" in said and "[4/6] sts: alone" in said and "step 2/2" not in said
    cells = [json.loads((out / "cells/sts/both/1.json").read_text()) for out in (tmp_path / "out", finished / "out")]
    assert cells[0]["quality"] == cells[1]["quality"]


def test_of_two_runs_that_teach_at_once_the_first_to_finish_is_kept(finished, tmp_path, monkeypatch):
    train, kept = TaskDistillation.train_teachers, tmp_path / "out/teachers/sts"

    def train_and_be_late(distillation, progress):
        train(distillation, progress)
        shutil.copytree(finished / "out/teachers/sts", kept, dirs_exist_ok=True)
        (kept / "A/first").touch()

    monkeypatch.setattr(TaskDistillation, "train_teachers", train_and_be_late)
    flags = ("--tasks", "sts", "--seeds", "1", "--arms", "{A: {teachers: [A]}}")
    assert ablate(finished, *flags, "--output_dir", str(tmp_path / "out")) == 0
    assert (kept / "A/first").exists()
    assert sorted(path.name for path in kept.iterdir()) == ["A", "A.json", "B", "B.json"]


def test_a_cell_without_a_figure_is_said_and_the_others_are_compared(finished, monkeypatch, capsys):
    run = CellsOfTask.run

    def run_others(cells, arm, seed, *more):
        if arm.name == "alone":
            raise ValueError("A correlation needs values that differ.")
        return run(cells, arm, seed, *more)

    monkeypatch.setattr(CellsOfTask, "run", run_others)
    assert ablate(finished, "--tasks", "sts", "--seeds", "4") == 0
    printed = capsys.readouterr()
    assert "no figure: A correlation needs values" in printed.err
    tables, remark = printed.out.split("Not finished in sts: ")
    assert "alone" not in tables and remark.startswith("alone (0 of 1 seeds).\n")


def test_a_teacher_that_says_the_same_number_to_everything_is_refused_before_a_student_follows_it(
    finished, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(MultiTeacherDistillationTrainer, "evaluate", lambda trainer: {"eval_pearson": math.nan})
    out = tmp_path / "out"
    assert ablate(finished, "--tasks", "sts", "--seeds", "1", "--output_dir", str(out)) == 2
    said = capsys.readouterr().err
    assert "hf-multiteacher: The teacher cased has learned nothing: it gives the same number to every example." in said
    assert "seed 1" not in said and not [*out.rglob("A*")]


def test_no_teacher_is_blamed_where_all_labels_are_the_same(finished, tmp_path, monkeypatch, capsys):
    load = TaskDistillation._load_task

    def load_without_differences(distillation):
        task = load(distillation)
        return replace(task, test=task.test.map(lambda row: {"labels": 1.0}))

    monkeypatch.setattr(TaskDistillation, "_load_task", load_without_differences)
    assert ablate(finished, "--tasks", "sts", "--seeds", "1", "--output_dir", str(tmp_path / "out")) == 2
    said = capsys.readouterr().err
    assert "has learned nothing" not in said and said.count("no figure: This student has no pearson") == len(ARMS)


def test_a_student_whose_answers_are_all_the_same_number_has_no_cell(finished, monkeypatch, capsys):
    def without_a_figure(trainer, metrics, metric):
        found = measured(trainer, metrics, metric)
        return replace(found, student={**found.student, metric: math.nan})

    measured = Figures.of
    monkeypatch.setattr(Figures, "of", without_a_figure)
    arms = "{A: {teachers: [A]}, wild: {temperature: 2}}"
    assert ablate(finished, "--tasks", "sts", "--seeds", "1", "--arms", arms) == 0
    printed = capsys.readouterr()
    assert "no figure: This student has no pearson: all its answers, or all labels, are the same." in printed.err
    assert "Not finished in sts: wild (0 of 1 seeds).\n" in printed.out
    assert "Left out in sts, as the file does not name them: alone, both.\n" in printed.out


def test_a_reference_without_cells_is_said(finished, capsys):
    arms = json.dumps({**ARMS, "later": {"temperature": 4}})
    assert ablate(finished, "--report", "--tasks", "ner", "--arms", arms, "--reference", "later") == 0
    printed = capsys.readouterr().out
    assert "Not finished in ner: later (0 of 2 seeds).\nIn ner the reference is 'A', as 'later' has no" in printed


def test_other_examples_than_those_of_finished_cells_are_refused_before_the_training(
    finished, tmp_path, monkeypatch, capsys
):
    shutil.copytree(finished / "out", tmp_path / "out")
    load = TaskDistillation._load_task

    def load_fewer(distillation):
        task = load(distillation)
        return replace(task, test=task.test.select(range(len(task.test) - 1)))

    train = Mock()
    monkeypatch.setattr(TaskDistillation, "_load_task", load_fewer)
    monkeypatch.setattr(MultiTeacherDistillationTrainer, "train", train)
    assert ablate(finished, "--tasks", "sts", "--seeds", "1", "7", "--output_dir", str(tmp_path / "out")) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert (
        "cannot be run in sts. In sts, 'alone' with seed 1 was measured on other examples, so the data have" in error
    )
    train.assert_not_called()


# ---- The user's own data ----


def test_teachers_that_are_still_to_learn_the_users_own_task_do_so_and_all_are_measured_on_the_same(
    finished, tmp_path, capsys
):
    rows = [f"a good word {number},good" if number % 2 else f"something else {number},bad" for number in range(60)]
    (tmp_path / "own.csv").write_text("\n".join(["text,label", *rows]), encoding="utf-8")
    content = {
        "task": "text-classification",
        "data": str(tmp_path / "own.csv"),
        "teachers": {"A": str(finished / "cased"), "B": str(finished / "uncased")},
        "fine_tune_teachers": True,
        "student_layers": 1,
        "arms": {"alone": {"teachers": []}, "both": {}},
        "seeds": [1, 2],
        "output_dir": str(tmp_path / "out"),
        **TRAINING,
    }
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    assert main(["ablate", str(tmp_path / "own.yaml")]) == 0
    assert "accuracy on 8 examples held out of train, 8 compared" in capsys.readouterr().out

    golds = []
    for path in (tmp_path / "out/cells").rglob("*.npz"):
        with np.load(path) as arrays:
            golds.append((arrays["gold"].tolist(), arrays["A"].tolist()))
    assert len(golds) == 4 and all(each == golds[0] for each in golds)
