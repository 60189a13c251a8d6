"""What one of several ranks does: all trainings, one after the other, together with the others."""

import logging
import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from datasets.utils.logging import disable_progress_bar

from helpers.toys import make_trainer, unpickle, weights_of
from ranks.cases import STEPS, WAYS, Case


def train_all(rank: int, ranks: int, toys: Path, wanted: Sequence[Case], folder: Path) -> None:
    """Train in every way that this number of ranks has, and pickle the weights by case and accumulation."""
    logging.disable(logging.WARNING)
    disable_progress_bar()
    pickled = pickle.loads(toys.read_bytes())

    trained = {}
    for number, case in enumerate(wanted):
        for accumulated, batch in WAYS[ranks]:
            place = folder / f"{ranks}-{number}-{accumulated}"
            trained[case, accumulated] = _train(pickled[case.task], case, place, accumulated, batch)
    (folder / f"{ranks}-{rank}.pkl").write_bytes(pickle.dumps(trained))


def _train(toy: bytes, case: Case, folder: Path, accumulated: int, batch: int) -> dict[str, Any]:
    made = unpickle(toy)
    backend = "gloo" if torch.distributed.is_initialized() else None
    cache = {"teacher_cache": str(folder / "cache"), "teacher_cache_dtype": "float32"} if case.cached else {}
    trainer = make_trainer(
        made,
        folder,
        train_dataset=case.data(made),
        max_steps=STEPS,
        per_device_train_batch_size=batch,
        gradient_accumulation_steps=accumulated,
        ddp_backend=backend,
        **cache,
    )
    trainer.train()
    return weights_of(trainer)
