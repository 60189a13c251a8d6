"""What is refused before any work."""

from pathlib import Path

import pytest
from transformers import TrainingArguments

from hf_multiteacher.recipes.configuration.checks import (
    check_fine_tuning,
    check_output_folder,
    check_results_folder,
    check_seed,
    check_training,
)


def test_seeds_are_those_that_numpy_takes():
    check_seed(0)
    check_seed(2**32 - 1)
    for seed in (-1, 2**32):
        with pytest.raises(ValueError, match=f"from 0 to 4294967295, but got {seed}"):
            check_seed(seed)


@pytest.mark.parametrize(
    "change",
    [
        {"seed": -1},
        {"resume_from_checkpoint": "x"},
        {"load_best_model_at_end": True, "eval_strategy": "steps", "save_strategy": "steps"},
    ],
)
def test_a_fine_tuning_refuses_what_it_cannot_follow(tmp_path, change):
    check_fine_tuning(TrainingArguments(str(tmp_path)))
    with pytest.raises(ValueError, match="A seed must|Leave it out"):
        check_fine_tuning(TrainingArguments(str(tmp_path), **change))


def test_a_training_without_a_step_is_refused(tmp_path):
    with pytest.raises(ValueError, match="num_train_epochs is 0, so the model would be saved as it is, untrained"):
        check_training(TrainingArguments(str(tmp_path), num_train_epochs=0))
    check_training(TrainingArguments(str(tmp_path), num_train_epochs=0, max_steps=1))


@pytest.mark.parametrize(
    ("rate", "limits"), [(1e10, "from 0 to 1000000000, got 10000000000.0"), (-1.0, "from 0 on, got -1.0")]
)
def test_a_number_that_is_too_large_is_told_the_largest(tmp_path, rate, limits):
    with pytest.raises(ValueError, match=f"learning_rate must be a number {limits}. Give another"):
        check_training(TrainingArguments(str(tmp_path), learning_rate=rate))


def test_an_output_folder_is_new_or_empty_or_resumed_from(tmp_path):
    check_output_folder(tmp_path / "new")
    check_output_folder(tmp_path)
    (tmp_path / "mine.txt").write_text("mine")
    check_output_folder(tmp_path, "checkpoint")
    with pytest.raises(ValueError, match="is not empty.* or empty it.$"):
        check_output_folder(tmp_path)
    with pytest.raises(ValueError, match="is not empty.* To continue a run, set resume_from_checkpoint.$"):
        check_output_folder(tmp_path, None)
    with pytest.raises(ValueError, match="'/proc/new' cannot be made: '/proc' takes no files. Choose another"):
        check_output_folder("/proc/new")
    with pytest.raises(ValueError, match="mine.txt' is a file"):
        check_output_folder(tmp_path / "mine.txt" / "new", "checkpoint")


def test_a_folder_for_results_may_hold_some_but_must_be_one(tmp_path):
    (tmp_path / "results.json").write_text("{}")
    check_results_folder(tmp_path)
    check_results_folder(tmp_path / "new" / "er")
    with pytest.raises(
        ValueError, match="cannot be written to the folder '/proc/new': '/proc' takes no files. Choose"
    ):
        check_results_folder(Path("/proc/new"))
    with pytest.raises(ValueError, match="results.json' is a file. Choose another output_dir"):
        check_results_folder(tmp_path / "results.json" / "new")


def test_a_folder_with_a_zero_byte_in_its_name_is_refused():
    with pytest.raises(ValueError, match="there is a zero byte in its name. Choose another output_dir"):
        check_results_folder(Path("a\0b"))
