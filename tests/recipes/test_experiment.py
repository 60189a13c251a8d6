"""An experiment from the command line: teachers, student, tables; windows, prediction files and their scorers."""

import json
from pathlib import Path

import pytest
from transformers import AutoModelForTokenClassification, AutoTokenizer

from helpers.experiments import experiment_words, save_models
from helpers.tagging import file_accuracy, file_f1
from hf_multiteacher.commands.experiment import run_task
from hf_multiteacher.commands.main import main
from hf_multiteacher.romanian.predictions import write_conllu, write_ronec
from hf_multiteacher.romanian.tasks import DEFINITIONS

pytestmark = pytest.mark.usefixtures("few_sentences")
LENGTH = 24


@pytest.fixture(scope="module")
def models(tmp_path_factory, cased_tokenizer, uncased_tokenizer):
    """Two teachers of different tokenizers."""
    return save_models(tmp_path_factory.mktemp("models"), cased_tokenizer, uncased_tokenizer)


@pytest.fixture(scope="module")
def data(tmp_path_factory, upos, ner):
    """A folder in the layout of the distributions, with few sentences, some of them long."""
    folder = tmp_path_factory.mktemp("data")
    for name in ("rrt", "ronec"):
        (folder / name).mkdir()
    for split in ("train", "test"):
        write_conllu(folder / f"rrt/ro_rrt-ud-{split}.conllu", *some_sentences(upos, split), "upos")
        write_ronec(folder / f"ronec/{split}.json", *some_sentences(ner, split))
    return folder


def some_sentences(task, split):
    """Words and tags of forty sentences; of three, one is said twice, one three times over."""
    rows = task.data[split].select(range(40))
    tags = [[task.label_names[i] for i in row] for row in rows["labels"][:]]
    return tuple([row * (1 + number % 3) for number, row in enumerate(column)] for column in (rows["words"][:], tags))


def run(key, models, output, *words):
    return run_task(key, experiment_words(models, output, *words))


def measured(folder):
    return json.loads((folder / "eval_results.json").read_text())


@pytest.mark.parametrize("key", ["upos", "ner"])
def test_a_scorer_of_the_written_predictions_agrees_with_the_figures(models, data, tmp_path, capsys, key):
    options = ["--data", str(data), "--max_length", str(LENGTH), "--predictions", "true"]
    assert run(key, models, tmp_path / "out", *options) == 0
    printed = capsys.readouterr().out
    for folder in (tmp_path / "out", tmp_path / "out/teacher-0", tmp_path / "out/teacher-1"):
        metrics = measured(folder)
        if key == "upos":
            files = data / "rrt/ro_rrt-ud-test.conllu", folder / "predictions.conllu"
            assert file_accuracy(*files, 3) == pytest.approx(metrics["eval_accuracy"])
            figure = metrics["eval_accuracy"]
        else:
            files = data / "ronec/test.json", folder / "predictions.json"
            assert file_f1(*files, typed=True) == pytest.approx(metrics["eval_entity_f1"])
            assert file_f1(*files, typed=False) == pytest.approx(metrics["eval_boundary_f1"])
            figure = metrics["eval_entity_f1"]
        assert f"| {figure:.4g} |" in printed
    assert 0 < measured(tmp_path / "out")["eval_label_loyalty/uncased"] <= 1
    assert "loyalty to" in printed and "| ensemble |" in printed


def test_the_table_the_prediction_files_and_the_command_speak_of_the_same_answers(models, data, tmp_path):
    out, options = tmp_path / "out", ["--data", str(data), "--max_length", str(LENGTH)]
    assert run("upos", models, out, *options, "--predictions", "true") == 0
    folders = [str(out / f"teacher-{number}") for number in range(2)]
    words = ["--student", str(out), "--task", "upos", *options[:2], "--max-length", str(LENGTH)]
    assert main(["loyalty", *folders, *words, "--output-dir", str(tmp_path / "loyalty")]) == 0

    said = json.loads((tmp_path / "loyalty/loyalty.json").read_text())["loyalty"]
    table = measured(out)
    for name, folder in zip(("cased", "uncased"), folders, strict=True):
        of_files = file_accuracy(Path(folder) / "predictions.conllu", out / "predictions.conllu", 3)
        assert of_files == table[f"eval_label_loyalty/{name}"] == said[Path(folder).name]["label_loyalty"]
        assert said[Path(folder).name]["probability_loyalty"] == pytest.approx(
            table[f"eval_probability_loyalty/{name}"], abs=1e-6
        )


def test_teachers_are_saved_with_their_tokenizers(models, data, tmp_path, cased_tokenizer, uncased_tokenizer):
    assert run("ner", models, tmp_path / "out", "--data", str(data)) == 0
    for number, tokenizer in enumerate((cased_tokenizer, uncased_tokenizer)):
        teacher = AutoModelForTokenClassification.from_pretrained(tmp_path / f"out/teacher-{number}")
        assert teacher.config.id2label[1] == "B-PERSON"
        saved = AutoTokenizer.from_pretrained(tmp_path / f"out/teacher-{number}")
        assert saved("Școala începe")["input_ids"] == tokenizer("Școala începe")["input_ids"]
    assert not (tmp_path / "out/predictions.json").exists()


def run_at_the_hub(client, models, data, output, *words):
    """Exit code of an experiment in a process whose Hub is ours."""
    words = experiment_words(models, output, "--data", str(data), *words)
    code = f"from hf_multiteacher.commands.experiment import run_task; code = run_task('upos', {words!r})"
    client.run(code)
    return int(client.run("print(code)"))


def test_the_student_alone_is_pushed_and_only_when_asked(hub, client, models, data, tmp_path):
    assert run_at_the_hub(client, models, data, tmp_path / "quiet") == 0
    assert not hub.repositories
    options = ["--push_to_hub", "true", "--hub_model_id", "org/student"]
    assert run_at_the_hub(client, models, data, tmp_path / "out", *options) == 0
    assert [*hub.repositories] == [("model", "org/student")]
    assert {"model.safetensors", "tokenizer.json", "README.md"} <= set(hub.files("org/student"))
    assert not any("/" in name for name in hub.files("org/student"))


def test_a_push_that_is_not_allowed_is_found_before_any_training(hub, client, models, data, tmp_path):
    options = ["--push_to_hub", "true", "--hub_model_id", "stranger/student"]
    assert run_at_the_hub(client, models, data, tmp_path / "out", *options) == 2
    assert not hub.repositories and not (tmp_path / "out").exists()


@pytest.mark.parametrize("key", ["di", "sts"])
def test_tasks_on_sentences_run(models, tmp_path, capsys, key):
    options = ["--data", "synthetic", "--max_length", "32", "--per_device_eval_batch_size", "64"]
    assert run(key, models, tmp_path / "out", *options) == 0
    loyalty = "regression_loyalty" if key == "sts" else "label_loyalty"
    assert f"eval_{loyalty}/cased" in measured(tmp_path / "out")
    assert f"| model | {DEFINITIONS[key].metric.replace('_', ' ')} |" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--label_names", "tags"], "label_names must be ['labels']"),
        (["--teacher_weights", "1"], "teacher_weights"),
        (["--hidden_state_weight", "1", "--layer_map", '{"9": 1}'], "layer"),
    ],
)
def test_what_the_students_trainer_refuses_is_said_before_any_teacher_is_trained(
    models, data, tmp_path, capsys, monkeypatch, words, message
):
    monkeypatch.setattr("hf_multiteacher.recipes.experiment.fine_tune", lambda *arguments: pytest.fail("trained"))
    assert run("upos", models, tmp_path / "out", "--data", str(data), *words) == 2
    assert message in capsys.readouterr().err.strip().splitlines()[-1]
    assert not (tmp_path / "out").exists()
