"""`hf-multiteacher distill`: from a configuration to a student with its card."""

import json
from pathlib import Path

import pytest
import yaml
from safetensors.torch import load_file
from tokenizers import Tokenizer
from transformers import AutoModelForMaskedLM, AutoTokenizer

from helpers.saved_encoders import save_encoder
from helpers.stopping import stop_at
from helpers.toys import largest_difference
from helpers.two_ranks import on_two_ranks
from hf_multiteacher.commands.distill import command_of
from hf_multiteacher.commands.main import main


@pytest.fixture
def project(tmp_path, sentences, cased_tokenizer, uncased_tokenizer):
    """A folder with a corpus, two teachers and a configuration that runs."""
    (tmp_path / "corpus.txt").write_text("\n".join(sentences), encoding="utf-8")
    settings = {
        "corpus": str(tmp_path / "corpus.txt"),
        "teachers": [
            save_encoder(tmp_path / "cased", cased_tokenizer, seed=1),
            save_encoder(tmp_path / "uncased", uncased_tokenizer, seed=2),
        ],
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


@pytest.mark.parametrize("vocabulary", ["trim", {"size": 150}, "uncased"])
def test_a_student_with_a_vocabulary_of_its_own_is_saved_with_it(project, vocabulary):
    folder, settings = project
    wanted = str(folder / "uncased") if vocabulary == "uncased" else vocabulary
    assert distill(folder, settings | {"student_vocabulary": wanted}) == 0
    student = AutoModelForMaskedLM.from_pretrained(folder / "student")
    own, teacher = (AutoTokenizer.from_pretrained(folder / name) for name in ("student", "cased"))
    assert len(own) == student.config.vocab_size < len(teacher)
    if vocabulary == "uncased":
        assert own.get_vocab() == AutoTokenizer.from_pretrained(folder / "uncased").get_vocab()
    else:
        assert {*own.get_vocab()} < {*teacher.get_vocab()}


def test_distill_leaves_a_student_that_loads_without_this_package_with_card_and_chart(project, capsys):
    folder, settings = project
    assert distill(folder, settings) == 0
    printed = capsys.readouterr().out
    assert "the student's loyalty to" in printed and max(map(len, printed.splitlines()[:-1])) <= 80
    assert json.loads((folder / "student" / "metrics.json").read_text())["student"]["losses"].keys() >= {
        "loss",
        "soft_loss/cased",
    }
    student = AutoModelForMaskedLM.from_pretrained(folder / "student")
    assert student.config.num_hidden_layers == 1
    assert len(AutoTokenizer.from_pretrained(folder / "student")) == student.config.vocab_size
    came, left = (Tokenizer.from_file(str(folder / name / "tokenizer.json")) for name in ("cased", "student"))
    assert (left.truncation, left.padding) == (came.truncation, came.padding)  # and not max_length
    card = (folder / "student" / "README.md").read_text("utf-8")
    assert "uncased" in card and str(folder) not in card
    assert "hf-multiteacher distill config.yaml" in card and "training time" in card.lower()
    assert (folder / "student" / "loyalty.png").is_file()


def test_distill_streams_a_corpus(project):
    folder, settings = project
    assert distill(folder, settings | {"streaming": True, "max_steps": 2}) == 0


def test_two_ranks_distil_a_stream_as_one_does(project, fork_server):
    folder, settings = project
    settings |= {"streaming": True, "max_steps": 7, "gradient_accumulation_steps": 2}

    def config(name, **changes):
        changes["output_dir"] = str(folder / name)
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(settings | changes), encoding="utf-8")
        return str(folder / f"{name}.yaml")

    assert main(["distill", config("one", per_device_train_batch_size=16)]) == 0
    two = ["distill", config("two", per_device_train_batch_size=8, ddp_backend="gloo")]
    printed = on_two_ranks(fork_server, folder, f"from hf_multiteacher.commands.main import main; main({two})")

    weights = [load_file(folder / name / "model.safetensors") for name in ("one", "two")]
    assert largest_difference(*weights) < 1e-4
    assert ["parameters" in output for output in printed] == [True, False]


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
        ({"max_length": "abc"}, "max_length must be a whole number, got 'abc'"),
        ({"corpus": 5}, "corpus must be a text or a list of which each is a text, got 5"),
        ({"resume_from_checkpoint": True}, "There is no checkpoint in"),
        ({"resume_from_checkpoint": "nowhere"}, "There is no checkpoint at 'nowhere'"),
        ({"student_layers": 9}, "layers"),
        (
            {"metric_for_best_model": "zzz", "eval_strategy": "steps", "eval_steps": 2},
            "metric_for_best_model is 'zzz', which no evaluation gives. Choose one of label_loyalty/cased, ",
        ),
        ({"student_layers": []}, "student_layers is [], so there is nothing"),
        ({"max_length": 2}, "max_length is 2, but up to 2 tokens of an input are special ones"),
        ({"max_length": 3}, "no token is masked, so the evaluation has nothing to measure. They are short"),
        ({"teacher_weights": [1]}, "teacher_weights must hold one number for each of the 2 teachers, got [1]"),
    ],
)
def test_what_the_user_can_mend_is_one_line_and_code_2(project, capsys, change, message):
    folder, settings = project
    assert distill(folder, settings | change) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("hf-multiteacher: ") and message in error
    assert not (folder / "student").exists() or not any((folder / "student").iterdir())


def test_held_out_text_that_nobody_can_read_is_told_from_text_that_is_too_short(project, capsys):
    folder, settings = project
    (folder / "corpus.txt").write_text("\n\n".join(f"ж{'щ' * number}" for number in range(20)), encoding="utf-8")
    assert distill(folder, settings | {"streaming": True}) == 2
    error = capsys.readouterr().err
    assert "no token is masked" in error
    assert "The tokenizer of the student knows no word of them: give text that it reads" in error


@pytest.mark.parametrize("change", [{"resume_from_checkpoint": "nowhere"}, {"teacher_weights": [1]}])
def test_what_needs_no_trainer_is_refused_before_the_folder_is_made(project, change):
    folder, settings = project
    assert distill(folder, settings | change) == 2
    assert not (folder / "student").exists()


def test_a_resume_with_other_teachers_is_refused_before_it_starts(project, capsys):
    folder, settings = project
    settings |= {"save_strategy": "steps", "save_steps": 2}
    assert distill(folder, settings) == 0
    resumed = settings | {"resume_from_checkpoint": str(folder / "student/checkpoint-2")}
    assert distill(folder, resumed) == 0
    assert distill(folder, resumed | {"temperature": 3.0}) == 2
    assert "temperature was 2.0 and is 3.0" in capsys.readouterr().err


FIGURES = "hf_multiteacher.recipes.results.figures.Figures"
TRAINER = "hf_multiteacher.trainer.MultiTeacherDistillationTrainer"
STUDENT = {"tokenizer.json", "model.safetensors", "config.yaml"}


@pytest.mark.parametrize(
    ("fails", "says", "left", "code"),
    [
        (f"{TRAINER}.evaluate", "Measuring the student failed", {"README.md"}, 2),
        (
            "hf_multiteacher.recipes.results.figures.Figures.write",
            "Writing metrics.json failed",
            {"README.md", "loyalty.png"},
            2,
        ),
        ("hf_multiteacher.hub.publishing.write_model_card", "Writing the card failed", {"metrics.json"}, 2),
        (
            "hf_multiteacher.report.card.loyalty_chart",
            "The card has no loyalty chart",
            {"README.md", "metrics.json"},
            0,
        ),
        ("hf_multiteacher.training.speed.latencies", "The card tells no speed", {"README.md", "metrics.json"}, 0),
    ],
    ids=["evaluation", "figures", "card", "chart", "speed"],
)
def test_what_fails_behind_the_training_is_a_line_and_the_student_and_the_rest_are_there(
    fails, says, left, code, project, monkeypatch, caplog, capsys
):
    def fail(*args, **options):
        raise RuntimeError("not today")

    folder, settings = project
    monkeypatch.setattr(fails, fail)
    assert distill(folder, settings | {"report_speed": True}) == code
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last.startswith("hf-multiteacher: The student is saved, but not all of the rest is there.") == bool(code)
    (line,) = [record.getMessage() for record in caplog.records if "not today" in record.getMessage()]
    assert says in line and "RuntimeError" in line
    assert STUDENT | left <= {path.name for path in (folder / "student").iterdir()}


@pytest.mark.parametrize(
    "resume",
    [
        ["--resume_from_checkpoint", "true"],
        ["--resume-from-checkpoint=student/checkpoint-2"],
        ["--resume_from_checkpoint"],
    ],
)
def test_the_command_of_a_card_makes_the_student_from_the_start(resume):
    assert command_of(["a.yaml", *resume, "--seed", "7"]) == "hf-multiteacher distill a.yaml --seed 7"
    assert command_of(["a.yaml", "--bf16", *resume]) == "hf-multiteacher distill a.yaml --bf16"


def test_a_resume_with_another_seed_is_refused_before_a_step(project, capsys):
    folder, settings = project
    settings |= {"save_strategy": "steps", "save_steps": 2, "max_steps": 2}
    assert distill(folder, settings) == 0
    assert distill(folder, settings | {"max_steps": 4, "seed": 7, "resume_from_checkpoint": True}) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert "training.seed was 42 and is 7" in error


def test_a_run_that_is_asked_to_stop_measures_nothing_and_says_how_to_go_on(project, monkeypatch, capsys):
    folder, settings = project
    settings |= {"enable_jit_checkpoint": True}
    with monkeypatch.context() as patch:
        stop_at(2, patch)
        assert distill(folder, settings) == 143
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert "asked to stop, and did after step 2 of 4" in error and "--resume-from-checkpoint true goes on" in error
    assert {path.name for path in (folder / "student").iterdir()} == {"checkpoint-2"}

    assert distill(folder, settings | {"resume_from_checkpoint": True}) == 0
    assert STUDENT <= {path.name for path in (folder / "student").iterdir()}


def test_a_card_that_fails_keeps_the_student_from_the_hub_and_not_from_the_disk(project, monkeypatch, capsys):
    def fail(*args, **options):
        raise RuntimeError("not today")

    folder, settings = project
    monkeypatch.setattr("hf_multiteacher.hub.publishing.make_repository", lambda name, **options: "org/student")
    monkeypatch.setattr("hf_multiteacher.hub.publishing.write_model_card", fail)
    assert distill(folder, settings | {"push_to_hub": True, "hub_token": "hf_x"}) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith(
        "hf-multiteacher: Nothing was pushed (RuntimeError: not today). The student is saved; `hf-"
    )
    assert STUDENT <= {path.name for path in (folder / "student").iterdir()}


def test_what_goes_wrong_in_the_training_is_a_fault_and_keeps_its_traceback(project, monkeypatch, capsys):
    def fail(trainer, **options):
        raise ValueError("no training today")

    folder, settings = project
    monkeypatch.setattr("hf_multiteacher.trainer.MultiTeacherDistillationTrainer.train", fail)
    with pytest.raises(ValueError, match="no training today"):
        distill(folder, settings)
    assert "hf-multiteacher: " not in capsys.readouterr().err


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
    error = capsys.readouterr().err
    assert "There is no configuration" in error and "no such file or directory. Check the name" in error


def test_nothing_in_a_folder_that_is_not_empty_is_overwritten(project, capsys):
    folder, settings = project
    (folder / "student").mkdir()
    (folder / "student" / "mine.txt").write_text("mine")
    assert distill(folder, settings) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert "is not empty" in error and "set resume_from_checkpoint" in error
    assert [path.name for path in (folder / "student").iterdir()] == ["mine.txt"]


def test_a_student_that_could_not_be_pushed_is_there_all_the_same(project, capsys, monkeypatch):
    folder, settings = project
    monkeypatch.setattr("hf_multiteacher.hub.publishing.make_repository", lambda name, **options: "org/student")
    assert distill(folder, settings | {"push_to_hub": True, "hub_token": "hf_x"}) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("hf-multiteacher: Nothing pushed to org/student: HF_HUB_OFFLINE is set.")
    assert f"hf-multiteacher push {folder}/student org/student" in error
    assert {"README.md", "model.safetensors"} <= {path.name for path in (folder / "student").iterdir()}
