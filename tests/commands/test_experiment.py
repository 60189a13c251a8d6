"""The program behind the examples of the Romanian tasks: what it refuses. What it does is tested with `Experiment`."""

import pytest

from helpers.experiments import experiment_words, save_models
from hf_multiteacher.commands.experiment import run_task


@pytest.fixture(scope="module")
def models(tmp_path_factory, cased_tokenizer, uncased_tokenizer):
    """Two teachers of different tokenizers."""
    return save_models(tmp_path_factory.mktemp("models"), cased_tokenizer, uncased_tokenizer)


def run(key, models, output, *words):
    return run_task(key, experiment_words(models, output, *words))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--data", "no/folder"], "finds no such file"),
        (["--max_length", "1000"], "reads 128 tokens at most"),
        (["--max_length", "2"], "max_length is 2, but up to 3 tokens"),
        (["--seed", "-1"], "A seed must be a number from 0"),
        (["--learning_rat", "1"], "There is no argument '--learning_rat'"),
        (["--load_best_model_at_end", "true"], "Leave it out"),
        (["--resume_from_checkpoint", "x"], "Leave it out"),
    ],
)
def test_bad_input_is_one_line_and_code_2(models, tmp_path, capsys, words, message):
    words = words if "--data" in words else ["--data", "synthetic", *words]
    assert run("upos", models, tmp_path / "out", *words) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert message in error and "Traceback" not in error
    assert not (tmp_path / "out").exists()


def test_predictions_of_sentences_are_refused(models, tmp_path, capsys):
    assert run("di", models, tmp_path / "out", "--data", "synthetic", "--predictions", "true") == 2
    assert "predictions are files of words with tags" in capsys.readouterr().err


def test_nothing_in_the_output_folder_is_overwritten(models, tmp_path, capsys):
    (tmp_path / "mine.txt").write_text("mine")
    assert run("upos", models, tmp_path, "--data", "synthetic") == 2
    assert "is not empty" in capsys.readouterr().err
