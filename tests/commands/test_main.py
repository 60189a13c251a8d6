import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from transformers import AutoModelForMaskedLM, AutoTokenizer

from helpers.models import tiny_bert
from hf_multiteacher.commands.main import main


@pytest.fixture
def project(tmp_path, sentences, cased_tokenizer, uncased_tokenizer):
    """A folder with a corpus, two teachers and a configuration that runs."""
    (tmp_path / "corpus.txt").write_text("\n".join(sentences), encoding="utf-8")
    for name, tokenizer, seed in (("cased", cased_tokenizer, 1), ("uncased", uncased_tokenizer, 2)):
        tokenizer.save_pretrained(tmp_path / name)
        tiny_bert("MaskedLM", vocab_size=len(tokenizer), layers=2, seed=seed).save_pretrained(tmp_path / name)
    settings = {
        "corpus": str(tmp_path / "corpus.txt"),
        "teachers": [str(tmp_path / "cased"), str(tmp_path / "uncased")],
        "output_dir": str(tmp_path / "student"),
        "student_layers": 1,
        "max_length": 48,
        "held_out": 10,
        "max_steps": 4,
        "logging_steps": 2,
        "learning_rate": "5e-4",
        "use_cpu": True,
        "report_to": "none",
        "save_strategy": "no",
    }
    return tmp_path, settings


def distill(folder: Path, settings: dict) -> int:
    (folder / "config.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    return main(["distill", str(folder / "config.yaml")])


def test_distill_leaves_a_student_that_loads_without_this_package_with_card_and_chart(project, capsys):
    folder, settings = project
    assert distill(folder, settings) == 0
    printed = capsys.readouterr().out
    assert "label_loyalty/cased" in printed and "soft_loss/uncased" in printed
    student = AutoModelForMaskedLM.from_pretrained(folder / "student")
    assert student.config.num_hidden_layers == 1
    assert len(AutoTokenizer.from_pretrained(folder / "student")) == student.config.vocab_size
    card = (folder / "student" / "README.md").read_text("utf-8")
    assert "uncased" in card and str(folder) not in card
    assert "hf-multiteacher distill config.yaml" in card and "training time" in card.lower()
    assert (folder / "student" / "loyalty.png").is_file()


def test_distill_streams_a_corpus(project):
    folder, settings = project
    assert distill(folder, settings | {"streaming": True, "max_steps": 2}) == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"corpus": "missing.txt"}, "neither a file nor a folder, nor a data set"),
        ({"temprature": 3}, "keys that do not exist: temprature"),
        ({"temperature": 0}, "temperature must be a number above 0"),
        ({"teachers": ["missing/teacher"]}, "Teacher 'missing/teacher' cannot be loaded"),
        ({"teachers": []}, "lacks teachers"),
        ({"held_out": 10000}, "none is left to train on"),
        ({"held_out": 10000, "streaming": True}, "none is left to train on"),
        ({"held_out": 0}, "held_out must be a whole number from 1 on, got 0"),
        ({"max_length": "abc"}, "max_length must be a whole number from 1 on, got 'abc'"),
        ({"corpus": 5}, "corpus must be a path or an id, or a list of them, got 5"),
        ({"resume_from_checkpoint": True}, "There is no checkpoint in"),
        ({"resume_from_checkpoint": "nowhere"}, "There is no checkpoint at 'nowhere'"),
        ({"student_layers": 9}, "layers"),
    ],
)
def test_what_the_user_can_mend_is_one_line_and_code_2(project, capsys, change, message):
    folder, settings = project
    assert distill(folder, settings | change) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("hf-multiteacher: ") and message in error
    assert not (folder / "student").exists() or not any((folder / "student").iterdir())


def test_a_resume_with_other_teachers_is_refused_before_it_starts(project, capsys):
    folder, settings = project
    settings |= {"save_strategy": "steps", "save_steps": 2}
    assert distill(folder, settings) == 0
    resumed = settings | {"resume_from_checkpoint": str(folder / "student/checkpoint-2")}
    assert distill(folder, resumed) == 0
    assert distill(folder, resumed | {"temperature": 3.0}) == 2
    assert "temperature was 2.0 and is 3.0" in capsys.readouterr().err


def test_a_student_that_cannot_be_measured_is_there_all_the_same(project, monkeypatch, capsys):
    def fail(trainer):
        raise ValueError("no evaluation today")

    folder, settings = project
    monkeypatch.setattr("hf_multiteacher.trainer.MultiTeacherDistillationTrainer.evaluate", fail)
    assert distill(folder, settings) == 2
    assert capsys.readouterr().err.strip().splitlines()[-1] == "hf-multiteacher: no evaluation today"
    assert {"tokenizer.json", "model.safetensors"} <= {path.name for path in (folder / "student").iterdir()}


@pytest.mark.parametrize("seed", ["-1", str(2**32)])
def test_a_demo_with_a_seed_that_is_none_does_not_start(tmp_path, capsys, seed):
    assert main(["demo", "--quick", "--seed", seed, "--output-dir", str(tmp_path / "demo")]) == 2
    assert "The seed must be a number from 0 to 4294967295" in capsys.readouterr().err


def test_a_corpus_without_text_is_refused(project, capsys):
    folder, settings = project
    (folder / "corpus.txt").write_text("\n")
    assert distill(folder, settings) == 2
    assert "holds no text" in capsys.readouterr().err


@pytest.mark.parametrize("content", ["- a list\n", "key: [\n"])
def test_a_configuration_of_another_form_is_refused(tmp_path, capsys, content):
    (tmp_path / "config.yaml").write_text(content)
    assert main(["distill", str(tmp_path / "config.yaml")]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1


def test_a_missing_configuration_is_refused(tmp_path, capsys):
    assert main(["distill", str(tmp_path / "none.yaml")]) == 2
    assert "cannot be read" in capsys.readouterr().err


def test_nothing_in_a_folder_that_is_not_empty_is_overwritten(project, capsys):
    folder, settings = project
    (folder / "student").mkdir()
    (folder / "student" / "mine.txt").write_text("mine")
    assert distill(folder, settings) == 2
    assert main(["demo", "--quick", "--output-dir", str(folder / "student")]) == 2
    first, second = capsys.readouterr().err.strip().splitlines()[-2:]
    assert "is not empty" in first and "set resume_from_checkpoint" in first
    assert "is not empty" in second and "resume_from_checkpoint" not in second
    assert [path.name for path in (folder / "student").iterdir()] == ["mine.txt"]


def test_what_keeps_a_push_from_being_made_is_one_line_and_code_2(tmp_path, capsys):
    assert main(["push", str(tmp_path), "org/name"]) == 2
    error = capsys.readouterr().err.strip().splitlines()
    assert (
        len(error) == 1 and error[0].startswith("hf-multiteacher: Nothing pushed: ") and "no config.json" in error[0]
    )


def test_a_dry_run_lists_what_a_push_would_send(tmp_path, capsys, cased_tokenizer):
    tiny_bert("MaskedLM", vocab_size=len(cased_tokenizer)).save_pretrained(tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    size = sum((tmp_path / name).stat().st_size for name in ("config.json", "model.safetensors")) / 2**20
    last = f"2 files, {size:.2f} MB: not pushed to org/name: this is a dry run"
    assert main(["push", str(tmp_path), "org/name", "--dry-run"]) == 0
    assert capsys.readouterr().out.splitlines() == ["config.json", "model.safetensors", last]
    assert main(["push", str(tmp_path), "org/name", "--dry-run", "--also", "*.txt"]) == 0
    assert "notes.txt" in capsys.readouterr().out
    assert main(["push", str(tmp_path), "org/name", "--dry-run", "--also", "*.txt", "*.csv"]) == 2
    assert "--also *.csv fits no file" in capsys.readouterr().err


def test_a_student_that_could_not_be_pushed_is_there_all_the_same(project, capsys, monkeypatch):
    folder, settings = project
    monkeypatch.setattr("hf_multiteacher.hub.publishing.make_repository", lambda name, **options: "org/student")
    assert distill(folder, settings | {"push_to_hub": True, "hub_token": "hf_x"}) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("hf-multiteacher: Nothing pushed to org/student: HF_HUB_OFFLINE is set.")
    assert f"hf-multiteacher push {folder}/student org/student" in error
    assert {"README.md", "model.safetensors"} <= {path.name for path in (folder / "student").iterdir()}


@pytest.mark.parametrize(
    "words",
    [
        ["demo", "--qui"],
        ["push", "folder", "org/name", "--dry"],
        ["loyalty", "teacher", "--stu", "student"],
        ["evaluate", "--desc"],
    ],
)
def test_no_command_takes_an_abbreviated_option(words, capsys, monkeypatch):
    for name in ("_demo", "_push", "_loyalty"):
        monkeypatch.setattr(f"hf_multiteacher.commands.main.{name}", lambda parsed: 0)
    try:
        assert main(words) == 2
    except SystemExit as refused:
        assert refused.code == 2
    assert words[-1 if words[-1].startswith("--") else -2] in capsys.readouterr().err


def test_help_is_there_within_a_second():
    code = """
import time
start = time.perf_counter()
from hf_multiteacher.cli import main
try:
    main(["--help"])
except SystemExit:
    print(time.perf_counter() - start)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)
    assert "demo" in done.stdout and "distill" in done.stdout
    assert float(done.stdout.splitlines()[-1]) < 1
