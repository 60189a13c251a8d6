"""The command: kills runs at random moments, has them go on, and tells whether they end in the same weights."""

import argparse
import pickle
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.append(str(Path(__file__).parents[2]))

from helpers.hub_server import Hub
from helpers.toys import largest_difference
from kills.runs import RUNS, toy_of
from kills.victim import KINDS

ENDED = "the process ended"


@dataclass
class Undisturbed:
    """A run that nobody kills.

    Attributes:
        toy: Its models and data, pickled.
        weights: What it has learned.
        chances: Kind -> how many moments of a kill it has; seconds where it is any moment.
    """

    toy: bytes
    weights: dict
    chances: dict[str, float]


def main() -> int:
    """Kill as often as asked for, print a line each, and return 1 where a run did not end as it should."""
    parser = argparse.ArgumentParser(prog="python -m tests.kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parsed = parser.parse_args()

    with tempfile.TemporaryDirectory(prefix="kills-") as folder, Hub() as hub:
        told = [*_kill_all(Victims(hub, Path(folder)), parsed.kills, Random(parsed.seed))]

    killed = sum(each.startswith("killed") for each in told)
    wrong = sum(not each.endswith("bit for bit") for each in told)
    print(f"{len(told)} runs, {killed} killed, {wrong} did not end in the same weights")
    return int(wrong > 0)


class Victims:
    """Starts the processes.

    Args:
        hub: Where they push.
        folder: Where they write.
    """

    def __init__(self, hub: Hub, folder: Path) -> None:
        self.hub, self.folder = hub, folder

    def call(self, code: str) -> None:
        """Run code in a process of its own.

        Raises:
            RuntimeError: It failed, or has ended.
        """
        with self.hub.fork_server.fork(self.hub.environment(self.folder / "home")) as process:
            process.run(f"from pathlib import Path\nfrom kills.victim import *\n{code}")


def _kill_all(victims: Victims, kills: int, random: Random) -> Iterator[str]:
    whole = {name: _undisturbed(victims, name, number) for number, name in enumerate(RUNS)}
    for number in range(kills):
        name, kind = [*RUNS][number % len(RUNS)], KINDS[number // len(RUNS) % len(KINDS)]
        line = _kill(victims, name, whole[name], kind, random, victims.folder / str(number))
        print(line, flush=True)
        yield line


def _undisturbed(victims: Victims, name: str, number: int) -> Undisturbed:
    folder = _made(victims.folder / f"undisturbed-{number}")
    toy = pickle.dumps(toy_of(name))
    (folder / "toy.pkl").write_bytes(toy)

    victims.call(f"undisturbed({_words(name, folder)})")
    return Undisturbed(toy, *pickle.loads((folder / "whole.pkl").read_bytes()))


def _kill(victims: Victims, name: str, whole: Undisturbed, kind: str, random: Random, folder: Path) -> str:
    (_made(folder) / "toy.pkl").write_bytes(whole.toy)
    when = random.uniform(0, whole.chances[kind])
    outcome = "ended before it was killed"
    try:
        victims.call(f"die({_words(name, folder)}, {kind!r}, {when!r})")
    except RuntimeError as error:
        outcome = "killed" if str(error) == ENDED else f"failed ({error})"

    how = f"{outcome} {kind} ({when:.1f}): {name}"
    try:
        victims.call(f"resume({_words(name, folder)})")
    except RuntimeError as error:
        return f"{how}: did not go on: {error}"

    difference = largest_difference(whole.weights, pickle.loads((folder / "resumed.pkl").read_bytes()))
    shutil.rmtree(folder)
    return f"{how}: " + (f"differs by {difference:.1e}" if difference else "bit for bit")


def _words(name: str, folder: Path) -> str:
    """Write the arguments of a victim as code."""
    return f"{name!r}, Path({str(folder)!r}, 'toy.pkl').read_bytes(), Path({str(folder)!r}), 'org/{folder.name}'"


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


if __name__ == "__main__":
    sys.exit(main())
