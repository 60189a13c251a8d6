"""Code on ranks of a process group, and the training of many toys as such code."""

import pickle
import tempfile
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch

from helpers.fork_server import ForkServer
from helpers.toys import make_trainer, mean_answer, unpickle, weights_of


def on_two_ranks(fork_server: ForkServer, folder: Path, code: str) -> list[str]:
    """Run code on two ranks; see `on_ranks`."""
    return on_ranks(fork_server, folder, code, ranks=2)


def on_ranks(fork_server: ForkServer, folder: Path, code: str, *, ranks: int) -> list[str]:
    """Run code, which may ask for its `rank`, in processes of one group, and return what each of them printed."""
    store = str(folder / "store")

    with ExitStack() as stack:
        processes = []
        for rank in range(ranks):
            told = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": ranks, "LOCAL_WORLD_SIZE": ranks}
            fork = fork_server.fork(**{name: str(value) for name, value in told.items()})
            processes.append(stack.enter_context(fork))
        for rank, process in enumerate(processes):
            join = f"from helpers.two_ranks import join_group; join_group(rank := {rank}, {ranks}, {store!r})"
            process.start(f"{join}\nfrom helpers.two_ranks import run_on_rank; run_on_rank({code!r}, globals())")
        return [process.result() for process in processes]


def join_group(rank: int, ranks: int, store: str) -> None:
    """Make this process a rank; they meet in a file, as a port could be taken by another process."""
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{store}", rank=rank, world_size=ranks, timeout=timedelta(minutes=1)
    )


def run_on_rank(code: str, names: dict[str, Any]) -> None:
    """Run code with the names that are there; where it fails, the others need not wait for this rank."""
    try:
        exec(code, names)
    except BaseException:
        torch.distributed.destroy_process_group()
        raise


def train_on_rank(toys: dict[tuple[str, str], bytes], path: Path) -> None:
    """Train and evaluate all toys together with the other rank, and pickle the results by their names."""
    results = {name: _train(unpickle(toy)) for name, toy in toys.items()}
    path.write_bytes(pickle.dumps(results))


def _train(toy):
    """Train and evaluate a toy, half of each batch on every rank."""
    with tempfile.TemporaryDirectory() as folder:
        settings = {"per_device_train_batch_size": 8, "compute_metrics": mean_answer}
        trainer = make_trainer(toy, folder, ddp_backend="gloo", **settings)
        trainer.train()
        return {
            "weights": weights_of(trainer),
            "evaluation": trainer.evaluate(),
            "answers": trainer.compared_answers(),
            "logs": trainer.state.log_history,
            "world_size": trainer.args.world_size,
            "looks for unused weights": trainer.accelerator.ddp_handler.find_unused_parameters,
        }
