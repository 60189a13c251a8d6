"""`hf-multiteacher evaluate`: the table, its files, and runs that are not repeated."""

import json
from functools import cache
from statistics import mean, stdev

import pytest

from helpers.saved_encoders import save_encoder
from hf_multiteacher.commands.main import main
from hf_multiteacher.recipes import paper_table
from hf_multiteacher.romanian.loading import load_task
from hf_multiteacher.romanian.reference import REFERENCE, REFERENCE_NOTE

pytestmark = pytest.mark.usefixtures("few_sentences")
QUICK = "--max_steps 2 --learning_rate 1e-3 --use_cpu true --disable_tqdm true --per_device_eval_batch_size 64".split()


@pytest.fixture(scope="module")
def model(tmp_path_factory, cased_tokenizer):
    folder = tmp_path_factory.mktemp("models") / "small"
    return save_encoder(folder, cased_tokenizer)


load_once = cache(load_task)
"""The generated data are the same every time."""


@pytest.fixture
def runs(monkeypatch):
    """A fine-tuning that takes no time: the runs asked for, whose figures are numbers of their own."""
    asked = []

    def fine_tune(model, tokenizer, data, args, progress):
        asked.append((len(data.label_names or []), args.seed, args.max_steps))
        if len(asked) == 3:
            raise ValueError("all predictions\nare equal")
        score = 0.9 + args.seed / 100
        names = ("accuracy", "macro_f1", "entity_f1", "boundary_f1", "pearson")
        return None, {f"eval_{name}": score + place / 1000 for place, name in enumerate(names)}

    monkeypatch.setattr(paper_table, "fine_tune", fine_tune)
    monkeypatch.setattr(paper_table, "load_task", load_once)
    return asked


def evaluate(model, output, *words):
    words = ["--models", model, "--data", "synthetic", "--output-dir", str(output), *words]
    return main(["evaluate", *words, *([] if "--max_steps" in words else QUICK)])


def test_every_model_is_measured_on_every_task_with_every_seed(model, tmp_path, capsys):
    assert evaluate(model, tmp_path, "--tasks", "upos", "ner", "--seeds", "3", "4") == 0
    results = json.loads((tmp_path / "results.json").read_text())
    assert [(run["task"], run["seed"], run["split"]) for run in results["runs"]] == [
        (task, seed, "test") for task in ("upos", "ner") for seed in (3, 4)
    ]
    assert results["settings"]["max_steps"] == 2 and "seed" not in results["settings"]
    accuracies = [100 * run["metrics"]["accuracy"] for run in results["runs"][:2]]
    printed = capsys.readouterr().out
    assert accuracies[0] != accuracies[1]
    assert f"| {model} | {mean(accuracies):.2f} ± {stdev(accuracies):.2f} | " in printed
    assert (tmp_path / "table.md").read_text().strip() in printed


def test_published_values_stand_below_in_the_columns_that_they_belong_to(model, tmp_path, capsys, runs):
    assert evaluate(model, tmp_path, "--tasks", "all") == 0
    printed = capsys.readouterr().out
    lines = {line.split("|")[1].strip(): line for line in printed.splitlines() if line.startswith("|")}
    columns = [cell.strip() for cell in lines["model"].split("|")[2:-1]]
    assert columns[2:4] == ["NER entity f1", "NER boundary f1"] and len(columns) == 8
    for name, values in REFERENCE.items():
        cells = [cell.strip() for cell in lines[f"{name} (published)"].split("|")[2:-1]]
        assert cells.pop(2) == "—"
        assert [float(cell) for cell in cells] == list(values.values())
    assert REFERENCE_NOTE in printed and "In percent, seed 0. Measured: upos on test, xpos on test," in printed


def test_runs_that_are_there_are_not_repeated_and_failed_ones_are(model, tmp_path, capsys, runs):
    assert evaluate(model, tmp_path, "--tasks", "upos", "sts", "--seeds", "1", "2") == 0
    assert len(runs) == 4
    printed = capsys.readouterr().out
    assert f"| {model} | 91.50 ± 0.71 | 92.40 (1 of 2 runs) |" in printed
    assert "seed 1: all predictions are equal" in printed
    assert evaluate(model, tmp_path, "--tasks", "upos", "sts", "--seeds", "1", "2", "5") == 0
    assert [seed for _, seed, _ in runs[4:]] == [5, 1, 5]
    assert "1 of 2" not in capsys.readouterr().out


def test_what_was_finished_before_an_interruption_is_kept(model, tmp_path, monkeypatch, runs):
    pretended = paper_table.fine_tune

    def interrupted(*arguments, **others):
        if runs:
            raise KeyboardInterrupt
        return pretended(*arguments, **others)

    monkeypatch.setattr(paper_table, "fine_tune", interrupted)
    assert evaluate(model, tmp_path, "--tasks", "upos", "--seeds", "1", "2") == 130
    monkeypatch.setattr(paper_table, "fine_tune", pretended)
    assert evaluate(model, tmp_path, "--tasks", "upos", "--seeds", "1", "2") == 0
    assert [seed for _, seed, _ in runs] == [1, 2]


def test_runs_of_other_settings_are_not_mixed(model, tmp_path, capsys, runs):
    assert evaluate(model, tmp_path, "--tasks", "di") == 0
    assert evaluate(model, tmp_path, "--tasks", "di", "--max_steps", "9") == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert "max_steps=2 (now 9)" in error and "learning_rate=0.001 (now 2e-05)" in error
    assert len(runs) == 1


def test_training_arguments_come_from_a_file_that_options_override(model, tmp_path, runs):
    (tmp_path / "training.yaml").write_text("max_steps: 7\nlearning_rate: 5e-4\nuse_cpu: true\n")
    config = ["--tasks", "di", "--config", str(tmp_path / "training.yaml")]
    assert evaluate(model, tmp_path / "a", *config, "--max_steps", "8") == 0
    settings = json.loads((tmp_path / "a/results.json").read_text())["settings"]
    assert (settings["max_steps"], settings["learning_rate"], settings["per_device_train_batch_size"]) == (8, 5e-4, 16)


def test_the_output_folder_is_the_options_or_the_files_or_the_default(model, tmp_path, monkeypatch, runs):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "training.yaml").write_text("output_dir: of-file\nmax_steps: 7\nuse_cpu: true\n")
    common = ["evaluate", "--models", model, "--data", "synthetic", "--tasks", "di"]
    assert main([*common, "--config", "training.yaml"]) == 0
    assert main([*common, "--config", "training.yaml", "--output-dir", "of-option"]) == 0
    assert main([*common, "--max_steps", "7", "--use_cpu", "true"]) == 0
    assert {path.parent.name for path in tmp_path.rglob("table.md")} == {"of-file", "of-option", "romanian-table"}


@pytest.mark.parametrize("below", ["", "table"])
def test_an_output_folder_that_cannot_be_made_is_refused_before_any_run(model, tmp_path, capsys, runs, below):
    (tmp_path / "mine.txt").write_text("mine")
    assert evaluate(model, tmp_path / "mine.txt" / below, "--tasks", "di") == 2
    assert "mine.txt' is a file. Choose another output_dir" in capsys.readouterr().err.strip().splitlines()[-1]
    assert not runs and (tmp_path / "mine.txt").read_text() == "mine"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--tasks", "pos"], "There is no task 'pos'"),
        (["--tasks", "all", "nerr"], "There is no task 'nerr'"),
        (["--models", "no/model"], "Model 'no/model' cannot be loaded"),
        (["--data", "no/folder"], "finds no such file"),
        (["--seed", "3"], "Give --seeds"),
        (["--seeds", "0", "-1"], "A seed must be a number from 0 to 4294967295, but got -1"),
        (["--push_to_hub", "true"], "nothing to push"),
        (["--load_best_model_at_end", "true", "--eval_strategy", "epoch", "--save_strategy", "epoch"], "Leave it out"),
        (["--learning_rat", "1"], "There is no argument '--learning_rat'"),
        (["--max-length", "999"], "reads 128 tokens at most"),
        (["--max-length", "2"], "max_length is 2, but up to 3 tokens"),
        (["--max-length", "0"], "max_length is 0"),
        (["--config", "none.yaml"], "There is no configuration 'none.yaml'"),
        (["--config", "none.json"], "There is no configuration 'none.json'"),
    ],
)
def test_bad_input_is_one_line_and_code_2(model, tmp_path, capsys, words, message):
    assert evaluate(model, tmp_path / "out", *words) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("hf-multiteacher: ") and message in error
    assert not (tmp_path / "out").exists()


def test_other_files_are_not_taken_for_results(model, tmp_path, capsys):
    (tmp_path / "results.json").write_text("[1]")
    assert evaluate(model, tmp_path, "--tasks", "di") == 2
    assert "holds no results of this command" in capsys.readouterr().err
    assert (tmp_path / "results.json").read_text() == "[1]"
