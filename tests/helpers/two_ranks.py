"""One of two ranks: train every toy of a dict on its half of each batch, and write what came out."""

import logging
import pickle
import tempfile
from pathlib import Path

import torch
from datasets.utils.logging import disable_progress_bar
from transformers import Trainer

from helpers.toys import make_trainer, unpickle, weights_of


def environment_of(rank: int) -> dict[str, str]:
    """What a launcher tells a rank."""
    return {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"}


def train_on_rank(rank: int, toys: dict[tuple[str, str], bytes], folder: Path) -> None:
    """Train and evaluate all toys together with the other rank, and pickle the results by their names."""
    logging.disable(logging.WARNING)
    disable_progress_bar()
    # A file in place of a port, which another process could take.
    torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=2)

    results = {name: _train(unpickle(toy)) for name, toy in toys.items()}

    (folder / f"{rank}.pkl").write_bytes(pickle.dumps(results))
    torch.distributed.destroy_process_group()


def _train(toy):
    """Train and evaluate a toy, half of each batch on every rank."""
    with tempfile.TemporaryDirectory() as folder:
        trainer = make_trainer(toy, folder, per_device_train_batch_size=8, ddp_backend="gloo")
        trainer.train()
        plain = Trainer(
            model=trainer.model,
            args=trainer.args,
            eval_dataset=toy.evaluation,
            data_collator=trainer.data_collator.for_evaluation(),
            processing_class=toy.tokenizer,
        )
        plain.model_accepts_loss_kwargs = False
        return {
            "weights": weights_of(trainer),
            "evaluation": trainer.evaluate(),
            "logs": trainer.state.log_history,
            "plain_eval_loss": plain.evaluate()["eval_loss"],
            "world_size": trainer.args.world_size,
        }
