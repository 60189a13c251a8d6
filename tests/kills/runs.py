"""The runs that are killed: three tasks that save, push and keep their teachers' outputs on disk."""

import copy
from pathlib import Path
from typing import Any

import torch

from helpers.toys import Toy, make_toy, make_trainer
from hf_multiteacher import MultiTeacherDistillationTrainer

PRECISE: dict[str, Any] = {"dtype": torch.float64, "optim": "adamw_torch", "learning_rate": 1e-3, "examples": 48}
SAVING: dict[str, Any] = {"max_steps": 8, "save_strategy": "steps", "save_steps": 2, "save_total_limit": 2}
RUNS = {
    "masked-lm, two tokenizers": ("masked-lm", {"mask_rounds": 2}),
    "tagging, a stream": ("tagging", {}),
    "regression, grouped by length": ("regression", {"train_sampling_strategy": "group_by_length"}),
}
"""Name -> task, and what is special about it."""


def toy_of(name: str) -> Toy:
    """Make the models and data of a run."""
    task, arguments = RUNS[name]
    return make_toy(task, **PRECISE, **arguments, hidden_state_weight=0.5)


def trainer_of(name: str, toy: Toy, folder: Path, repository: str) -> MultiTeacherDistillationTrainer:
    """Make the trainer of a run, which pushes every checkpoint."""
    rows = toy.train.to_iterable_dataset().shuffle(seed=1, buffer_size=7) if "stream" in name else toy.train
    pushing = {"push_to_hub": True, "hub_model_id": repository, "hub_strategy": "all_checkpoints"}
    cache = {"teacher_cache": str(folder / "cache"), "teacher_cache_dtype": "float32"}
    return make_trainer(copy.copy(toy), folder / "out", train_dataset=rows, **SAVING, **pushing, **cache)
