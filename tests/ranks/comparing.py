"""Have ranks train, and compare what they have learned with what one process learns from whole batches."""

import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from helpers.fork_server import ForkServer
from helpers.toys import largest_difference
from helpers.two_ranks import on_ranks
from ranks.cases import Case, toy_of

TOLERANCE = 1e-6


@dataclass(frozen=True)
class Compared:
    """A training and how far its weights are from those of one process with whole batches.

    Attributes:
        case: What was trained on.
        ranks: In how many processes.
        accumulated: In how many batches a step.
        difference: The largest of any weight, on any rank.
    """

    case: Case
    ranks: int
    accumulated: int
    difference: float

    @property
    def same(self) -> bool:
        """Whether it is rounding."""
        return self.difference < TOLERANCE


def compare(fork_server: ForkServer, folder: Path, wanted: Sequence[Case], ranks: Sequence[int]) -> list[Compared]:
    """Train all cases on every number of ranks.

    Args:
        fork_server: Where the ranks come from.
        folder: Where they write, which is empty.
        wanted: What is trained on; without a cache too where with one.
        ranks: The numbers of ranks; one process is among them.
    """
    toys = folder / "toys.pkl"
    toys.write_bytes(pickle.dumps({task: pickle.dumps(toy_of(task)) for task in {case.task for case in wanted}}))
    for number in ranks:
        _train(fork_server, folder, toys, wanted, number)

    alone = pickle.loads((folder / "1-0.pkl").read_bytes())
    return [each for number in ranks for each in _compared(folder, number, alone)]


def _train(fork_server: ForkServer, folder: Path, toys: Path, wanted: Sequence[Case], ranks: int) -> None:
    (meeting := folder / f"meeting-{ranks}").mkdir()
    (folder / "cases.pkl").write_bytes(pickle.dumps(wanted))
    code = f"""
import pickle
from pathlib import Path
from ranks.on_rank import train_all
folder = Path({str(folder)!r})
train_all(rank, {ranks}, folder / "toys.pkl", pickle.loads((folder / "cases.pkl").read_bytes()), folder)
"""
    if ranks == 1:
        with fork_server.fork() as process:
            process.run(f"rank = 0\n{code}")
    else:
        on_ranks(fork_server, meeting, code, ranks=ranks)


def _compared(folder: Path, ranks: int, alone: dict) -> list[Compared]:
    each = [pickle.loads((folder / f"{ranks}-{rank}.pkl").read_bytes()) for rank in range(ranks)]
    return [
        Compared(
            case,
            ranks,
            accumulated,
            max(largest_difference(alone[case.reference, 1], trained[case, accumulated]) for trained in each),
        )
        for case, accumulated in each[0]
    ]
