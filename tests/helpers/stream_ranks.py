"""One of two ranks: train on streams of several kinds, and write which examples it read and what came out."""

import logging
import pickle
import tempfile
from pathlib import Path

import torch
from datasets import Dataset
from datasets.distributed import split_dataset_by_node
from datasets.utils.logging import disable_progress_bar

from helpers.toys import make_trainer, unpickle, weights_of

# Examples, and how many shards they come in: uneven parts, by shards and by examples; a rank with a batch less.
KINDS = {"shards": (21, 2), "more shards than ranks": (21, 3), "one shard": (21, 1), "one batch less": (17, 1)}
KINDS |= {"of torch": (21, None), "split already": (20, 2)}
STEPS = {"per_device_train_batch_size": 2, "gradient_accumulation_steps": 2, "learning_rate": 0.05}


class TorchStream(torch.utils.data.IterableDataset):
    """A stream that is not of `datasets`."""

    def __init__(self, rows):
        self.rows = rows

    def __iter__(self):
        return iter(self.rows)


def stream_of(data: Dataset, kind: str, rank: int = 0, ranks: int = 1):
    """The first examples of a data set as a stream of a kind."""
    examples, shards = KINDS[kind]
    rows = data.select(range(examples))
    if shards is None:
        return TorchStream(rows)
    stream = rows.to_iterable_dataset(num_shards=shards)
    return split_dataset_by_node(stream, rank, ranks) if kind == "split already" and ranks > 1 else stream


def train_on_rank(rank: int, toy: bytes, folder: Path) -> None:
    """Train for two epochs on every kind of stream together with the other rank, and pickle the results."""
    logging.disable(logging.WARNING)
    disable_progress_bar()
    torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=2)

    results = {kind: _train(unpickle(toy), kind, rank) for kind in KINDS}

    (folder / f"{rank}.pkl").write_bytes(pickle.dumps(results))
    torch.distributed.destroy_process_group()


def _train(toy, kind, rank):
    read = []
    with tempfile.TemporaryDirectory() as folder:
        trainer = make_trainer(
            toy,
            folder,
            train_dataset=stream_of(toy.train, kind, rank, 2),
            eval_dataset=toy.evaluation.to_iterable_dataset(),
            max_steps=6,
            ddp_backend="gloo",
            **STEPS,
        )
        for batch in trainer.get_train_dataloader():
            read += [tuple(row[row > 0].tolist()) for row in batch["input_ids"]]
        trainer.train()
        return {
            "read": read,
            "weights": weights_of(trainer),
            "logs": trainer.state.log_history,
            "evaluation": trainer.evaluate(),
        }
