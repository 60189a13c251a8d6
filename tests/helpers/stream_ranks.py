"""One of two ranks: train on data of several kinds, and write which examples it read and what came out."""

import logging
import pickle
from pathlib import Path

import torch
from datasets import Dataset
from datasets.distributed import split_dataset_by_node
from datasets.utils.logging import disable_progress_bar

from helpers.toys import make_trainer, unpickle, weights_of
from hf_multiteacher import MultiTeacherDistillationTrainer

# Examples, and how many shards they come in: uneven parts, by shards and by examples; a rank with a batch less.
KINDS = {"shards": (21, 2), "more shards than ranks": (21, 3), "one shard": (21, 1), "one batch less": (17, 1)}
KINDS |= {"of torch": (21, None), "split already": (20, 2), "less than a batch": (3, 1)}
STEPS = {"per_device_train_batch_size": 2, "gradient_accumulation_steps": 2, "learning_rate": 0.05, "max_steps": 6}
SAVED = 4  # in mid-epoch: an epoch has 3 steps


class TorchStream(torch.utils.data.IterableDataset):
    """A stream that is not of `datasets`."""

    def __init__(self, rows):
        self.rows = rows

    def __iter__(self):
        return iter(self.rows)


class Heavier(MultiTeacherDistillationTrainer):
    """A subclass that adds a term of its own to the loss."""

    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        loss, outputs = super().compute_loss(model, inputs, True, num_items_in_batch)
        real = inputs["attention_mask"].bool() & (inputs["labels"] != -100)
        sizes = outputs.logits[real].square().sum() / num_items_in_batch
        loss = loss + sizes * self.accelerator.num_processes
        return (loss, outputs) if return_outputs else loss


def heavier(toy, folder, **changes):
    """A trainer with it, to evaluate on whole batches."""
    return make_trainer(toy, folder, trainer=Heavier, eval_dataset=toy.evaluation.select(range(16)), **changes)


def stream_of(data: Dataset, kind: str, rank: int = 0, ranks: int = 1):
    """The first examples of a data set as a stream of a kind."""
    examples, shards = KINDS[kind]
    rows = data.select(range(examples))
    if shards is None:
        return TorchStream(rows)
    stream = rows.to_iterable_dataset(num_shards=shards)
    return split_dataset_by_node(stream, rank, ranks) if kind == "split already" and ranks > 1 else stream


def resumable(data: Dataset) -> dict[str, dict]:
    """What is trained on and how, where a run is resumed."""
    rows = data.select(range(21))
    shuffled = rows.to_iterable_dataset(num_shards=2).shuffle(seed=1, buffer_size=7)
    return {
        "stream": {"train_dataset": shuffled},
        "group_by_length": {"train_dataset": rows, "train_sampling_strategy": "group_by_length"},
        "random": {"train_dataset": rows},
        # Saved after two batches of an epoch: one rank has read all of its four rows, the other has one of five left.
        "a part that has ended": {"train_dataset": data.select(range(9)).to_iterable_dataset(), "save_steps": 3},
    }


def train_on_rank(rank: int, toy: bytes, folder: Path) -> None:
    """Train for two epochs on every kind of data together with the other rank, and pickle the results."""
    logging.disable(logging.WARNING)
    disable_progress_bar()

    results = {kind: _train(unpickle(toy), kind, rank, folder) for kind in KINDS}
    split = {"accelerator_config": {"split_batches": True}, "per_device_train_batch_size": 4}
    results["split_batches"] = _train(unpickle(toy), "one shard", rank, folder, **split)
    results["loss of one's own"] = heavier(unpickle(toy), folder, ddp_backend="gloo").evaluate()
    for name, settings in resumable(unpickle(toy).train).items():
        results[name] = _resume(unpickle(toy), folder / name, settings)

    (folder / f"{rank}.pkl").write_bytes(pickle.dumps(results))


def _train(toy, kind, rank, folder, **changes):
    read = []
    trainer = make_trainer(
        toy,
        folder,
        train_dataset=stream_of(toy.train, kind, rank, 2),
        eval_dataset=toy.evaluation.to_iterable_dataset(),
        ddp_backend="gloo",
        **STEPS | changes,
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


def _resume(toy, folder, settings):
    """The weights of a whole run, and of one that goes on from its checkpoint."""
    saving = {"ddp_backend": "gloo", "save_strategy": "steps", "save_steps": SAVED, "optim": "adamw_torch"}
    settings = STEPS | saving | settings
    runs = [make_trainer(toy, folder, **settings) for _ in range(2)]
    runs[0].train()
    runs[1].train(resume_from_checkpoint=str(folder / f"checkpoint-{settings['save_steps']}"))
    return [weights_of(run) for run in runs]
