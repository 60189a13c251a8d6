"""A Romanian task from the command line: teachers, student, tables; windows, prediction files and their scorers."""

import json
from pathlib import Path

import pytest
from transformers import AutoModelForTokenClassification, AutoTokenizer

from helpers.experiments import QUICK, distil_words, save_models
from helpers.stopping import stop_at
from helpers.tagging import file_accuracy, file_f1
from hf_multiteacher.commands.main import main
from hf_multiteacher.recipes import task_distillation
from hf_multiteacher.recipes.fine_tuning import make_trainer
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
    return main(distil_words(key, models, output, *words))


def measured(folder):
    return json.loads((folder / "metrics.json").read_text())


@pytest.mark.parametrize("key", ["upos", "ner"])
def test_a_scorer_of_the_written_predictions_agrees_with_the_figures(models, data, tmp_path, capsys, key):
    assert run(key, models, tmp_path / "out", "--data", str(data), "--max_length", str(LENGTH)) == 0
    printed = capsys.readouterr().out
    metrics = measured(tmp_path / "out")
    quality = metrics["student"]["quality"]
    if key == "upos":
        files = data / "rrt/ro_rrt-ud-test.conllu", tmp_path / "out/predictions.conllu"
        assert file_accuracy(*files, 3) == pytest.approx(quality["accuracy"])
        figure = quality["accuracy"]
    else:
        files = data / "ronec/test.json", tmp_path / "out/predictions.json"
        assert file_f1(*files, typed=True) == pytest.approx(quality["entity_f1"])
        assert file_f1(*files, typed=False) == pytest.approx(quality["boundary_f1"])
        figure = quality["entity_f1"]
    assert f"{figure:.4f}" in printed and "the student's loyalty to" in printed and "ensemble" in printed
    assert max(map(len, printed.splitlines()[:-1])) <= 80  # the last line is the folder's
    assert 0 < metrics["teachers"]["uncased"]["loyalty"]["label_loyalty"] <= 1
    assert metrics["measured_on"] == "40 examples (test)"


def test_the_figures_and_the_command_speak_of_the_same_answers(models, data, tmp_path):
    out, options = tmp_path / "out", ["--data", str(data), "--max_length", str(LENGTH)]
    assert run("upos", models, out, *options) == 0
    folders = [str(out / f"teacher-{number}") for number in (1, 2)]
    words = ["--student", str(out), "--task", "upos", *options[:2], "--max-length", str(LENGTH)]
    assert main(["loyalty", *folders, *words, "--output-dir", str(tmp_path / "loyalty")]) == 0

    said = json.loads((tmp_path / "loyalty/loyalty.json").read_text())["loyalty"]
    for name, folder in zip(("cased", "uncased"), folders, strict=True):
        own, other = measured(out)["teachers"][name]["loyalty"], said[Path(folder).name]
        assert own["label_loyalty"] == other["label_loyalty"]
        assert own["probability_loyalty"] == pytest.approx(other["probability_loyalty"], abs=1e-6)


def test_the_configuration_that_is_left_repeats_the_run(models, data, tmp_path):
    assert run("ner", models, tmp_path / "out", "--data", str(data), "--max_length", str(LENGTH)) == 0
    repeated = ["distill", str(tmp_path / "out/config.yaml"), "--output-dir", str(tmp_path / "again")]
    assert main(repeated) == 0
    assert measured(tmp_path / "again") == measured(tmp_path / "out")


def test_labels_are_taken_from_all_but_so_many_examples(models, data, tmp_path, monkeypatch, capsys):
    seen = []
    monkeypatch.setattr(task_distillation, "make_trainer", lambda *each: seen.append(each[2]) or make_trainer(*each))
    rows = ["--labelled_rows", "8", "--unlabelled_rows", "20"]
    assert run("upos", models, tmp_path / "out", "--data", str(data), *rows) == 0
    assert "20 examples without labels" in " ".join(capsys.readouterr().err.split())

    rehearsal, first, second, student = ([set(row) != {-100} for row in each.train["labels"][:]] for each in seen)
    assert len(rehearsal) == 8 and all(rehearsal)
    assert first == second == student[: len(first)] and all(first) and 8 <= len(first) < 20  # windows
    assert len(student) - len(first) >= 20 and not any(student[len(first) :])


def test_fine_tuned_teachers_are_taken_as_they_are_and_the_student_starts_from_the_first(models, data, tmp_path):
    assert run("ner", models, tmp_path / "out", "--data", str(data)) == 0
    for number in (1, 2):
        permute_labels(tmp_path / f"out/teacher-{number}", by=number)
    teachers = [str(tmp_path / f"out/teacher-{number}") for number in (1, 2)]
    words = ["--task", "ner", "--data", str(data), "--teachers", *teachers, *QUICK, "--learning_rate", "0"]
    assert main(["distill", *words, "--output_dir", str(tmp_path / "student")]) == 0

    labels = AutoModelForTokenClassification.from_pretrained(tmp_path / "student").config.id2label
    assert labels == AutoModelForTokenClassification.from_pretrained(teachers[0]).config.id2label
    assert not (tmp_path / "student/teacher-1").exists()
    assert (tmp_path / "student/predictions.json").is_file()


def permute_labels(folder, by):
    """Give a saved tagger its labels in another order, and what it says with them."""
    model = AutoModelForTokenClassification.from_pretrained(folder)
    order = [(number + by) % model.config.num_labels for number in range(model.config.num_labels)]
    names = [model.config.id2label[number] for number in order]
    model.config.id2label, model.config.label2id = dict(enumerate(names)), {name: i for i, name in enumerate(names)}
    model.classifier.weight.data = model.classifier.weight.data[order]
    model.classifier.bias.data = model.classifier.bias.data[order]
    model.save_pretrained(folder)


def test_teachers_are_saved_with_their_tokenizers(models, data, tmp_path, cased_tokenizer, uncased_tokenizer):
    assert run("ner", models, tmp_path / "out", "--data", str(data)) == 0
    for number, tokenizer in enumerate((cased_tokenizer, uncased_tokenizer), 1):
        teacher = AutoModelForTokenClassification.from_pretrained(tmp_path / f"out/teacher-{number}")
        assert teacher.config.id2label[1] == "B-PERSON"
        saved = AutoTokenizer.from_pretrained(tmp_path / f"out/teacher-{number}")
        assert saved("Școala începe")["input_ids"] == tokenizer("Școala începe")["input_ids"]


def run_at_the_hub(client, models, data, output, *words):
    """Exit code of a distillation in a process whose Hub is ours."""
    words = distil_words("upos", models, output, "--data", str(data), *words)
    client.run(f"from hf_multiteacher.commands.main import main; code = main({words!r})")
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


def test_no_student_follows_a_teacher_that_was_stopped_while_it_learned(models, data, tmp_path, monkeypatch, capsys):
    stop_at(2, monkeypatch)
    options = ["--data", str(data), "--enable_jit_checkpoint", "true"]
    assert run("ner", models, tmp_path / "out", *options) == 143
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert "after step 2 of 4" in error and error.endswith("a run cannot be continued.")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"teacher-1"}


@pytest.mark.parametrize("key", ["di", "sts"])
def test_tasks_on_sentences_run(models, tmp_path, capsys, key):
    options = ["--data", "synthetic", "--max_length", "32", "--per_device_eval_batch_size", "64"]
    assert run(key, models, tmp_path / "out", *options) == 0
    loyalty = "regression_loyalty" if key == "sts" else "label_loyalty"
    assert loyalty in measured(tmp_path / "out")["teachers"]["cased"]["loyalty"]
    assert DEFINITIONS[key].metric.replace("_", " ") in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--max_length", "1000"], "reads 128 tokens at most"),
        (["--max_length", "2"], "max_length is 2, but up to 3 tokens"),
        (["--seed", "-1"], "A seed must be a number from 0"),
        (["--learning_rat", "1"], "There is no argument '--learning_rat'. Did you mean '--learning_rate'?"),
        (["--resume_from_checkpoint", "x"], "There is no checkpoint at 'x'"),
        (["--fine_tune_teachers", "--data", "no/folder"], "finds no such file"),
        (["--label_names", "tags"], "label_names must be ['labels']"),
        (["--teacher_weights", "1"], "teacher_weights"),
        (["--hidden_state_weight", "1", "--layer_map", '{"9": 1}'], "layer"),
    ],
)
def test_what_the_students_trainer_refuses_is_said_before_any_teacher_is_trained(
    models, data, tmp_path, capsys, monkeypatch, words, message
):
    trainer = "hf_multiteacher.trainer.MultiTeacherDistillationTrainer"
    monkeypatch.setattr(f"{trainer}.train", lambda *arguments, **options: pytest.fail("trained"))
    assert run("upos", models, tmp_path / "out", "--data", str(data), *words) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("hf-multiteacher: ") and message in error
    assert not (tmp_path / "out").exists()
