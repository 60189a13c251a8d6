"""What `TrainingArguments` take and a training fails over is said before any work."""

import random

import numpy as np
import pytest
import torch
from transformers import TrainingArguments

from hf_multiteacher.recipes.configuration.checks import check_training
from hf_multiteacher.training_args import DistillationTrainingArguments


def arguments(folder, **changes):
    return DistillationTrainingArguments(output_dir=str(folder / "out"), use_cpu=True, **changes)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"teachers": ["a", "b"], "hidden_state_weight": 1.0, "layer_map": {-1: -1}},
        {"gradient_accumulation_steps": 7, "max_grad_norm": 0.0, "logging_steps": 0.5, "warmup_steps": 0.1},
        {"train_sampling_strategy": "group_by_length", "optim": "sgd", "lr_scheduler_type": "cosine"},
        {"eval_strategy": "steps", "eval_steps": 1, "load_best_model_at_end": True, "save_steps": 1},
        {"metric_for_best_model": "accuracy", "eval_strategy": "epoch", "save_strategy": "epoch"},
        {"num_train_epochs": 0.5, "dataloader_num_workers": 2, "dataloader_prefetch_factor": 2},
        {"gradient_checkpointing": True, "neftune_noise_alpha": 5.0, "push_to_hub": True, "bf16": True},
        {"gradient_checkpointing": True, "gradient_checkpointing_kwargs": {"use_reentrant": True}},
        {"label_smoothing_factor": 0.1, "bf16_full_eval": True, "eval_steps": 0, "save_steps": 0.5},
    ],
)
def test_arguments_that_work_pass_and_leave_nothing_behind(tmp_path, capsys, changes):
    args = arguments(tmp_path, **changes)
    before = args.to_dict()
    check_training(args)
    assert args.to_dict() == before
    assert not any(tmp_path.iterdir()) and not capsys.readouterr().out


def test_a_rehearsal_draws_no_random_number_of_the_run(tmp_path):
    torch.manual_seed(5), np.random.seed(5), random.seed(5)
    check_training(arguments(tmp_path))
    drawn = torch.rand(()).item(), np.random.rand(), random.random()
    torch.manual_seed(5), np.random.seed(5), random.seed(5)
    assert drawn == (torch.rand(()).item(), np.random.rand(), random.random())


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"per_device_train_batch_size": 0}, "per_device_train_batch_size must be a whole number from 1 on, got 0"),
        ({"gradient_accumulation_steps": 0}, "gradient_accumulation_steps must be a whole number from 1 on, got 0"),
        ({"learning_rate": -1.0}, "learning_rate must be a number from 0 on, got -1.0"),
        ({"adam_beta1": 2.0}, "adam_beta1 must be a number from 0 to 1, got 2.0"),
        ({"seed": -1}, "A seed must be"),
        ({"data_seed": -1}, "data_seed must be a number from 0 to 4294967295, got -1"),
        ({"eval_steps": -1}, "eval_steps must be a number from 0 on, got -1"),
        ({"save_steps": -1}, "save_steps must be a number from 0 on, got -1"),
        ({"save_total_limit": -1}, "save_total_limit must be a number from 0 on, got -1"),
        ({"eval_delay": -1}, "eval_delay must be a number from 0 on, got -1"),
        ({"temperature": 1e-40}, "temperature must be a number from 1e-06 on, got 1e-40"),
        ({"dataloader_num_workers": -1}, "dataloader_num_workers must be a number from 0 on, got -1"),
        (
            {"dataloader_num_workers": 1, "dataloader_prefetch_factor": 0},
            "dataloader_prefetch_factor must be a number from 1 on, got 0",
        ),
        (
            {"gradient_checkpointing": True, "gradient_checkpointing_kwargs": {"zzz": 1}},
            "do not work here: .*zzz",
        ),
        ({"dataloader_persistent_workers": True}, "do not work here: .*num_workers"),
        ({"optim_args": "zzz"}, "optim_args must be of the form `key=value,key=value`"),
        ({"neftune_noise_alpha": -5.0}, "do not work here: "),
        (
            {"report_to": "tensorbord"},
            "report_to names 'tensorbord', which cannot be used here: .* Install its package",
        ),
        ({"optim": "adamw_torch_4bit"}, "The training arguments do not work here: "),
        ({"lr_scheduler_kwargs": {"speed": 1}}, "nor the optimizer takes 'speed' .lr_scheduler_kwargs"),
        ({"lr_scheduler_type": "warmup_stable_decay"}, "the schedule needs 'num_decay_steps' .lr_scheduler_kwargs"),
        ({"lr_scheduler_type": "cosine", "lr_scheduler_kwargs": {"a": 1}}, "do not work here: .*'a'"),
    ],
)
def test_what_no_training_can_follow_is_said(tmp_path, changes, says):
    with pytest.raises(ValueError, match=says):
        check_training(arguments(tmp_path, **changes))


@pytest.mark.parametrize("name", ["tensorboard", "wandb", "mlflow", "comet_ml", "neptune"])
def test_a_reporter_without_its_package_is_named(tmp_path, monkeypatch, name):
    """Whatever is installed here."""
    monkeypatch.setattr(
        "hf_multiteacher.recipes.configuration.rehearsal.get_available_reporting_integrations", lambda: []
    )
    with pytest.raises(ValueError, match=f"report_to names '{name}', .*: its package is not installed. Install its"):
        check_training(TrainingArguments(str(tmp_path / "out"), report_to=name, use_cpu=True))


def test_a_reporter_that_is_not_listed_is_tried(tmp_path):
    with pytest.raises(ValueError, match="report_to names 'flyte', which cannot be used here: .*flyte"):
        check_training(TrainingArguments(str(tmp_path / "out"), report_to="flyte", use_cpu=True))


def test_an_optimizer_without_its_package_is_said(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "bitsandbytes", None)
    with pytest.raises(ValueError, match="The training arguments do not work here: .*bitsandbytes"):
        check_training(arguments(tmp_path, optim="adamw_bnb_8bit"))
