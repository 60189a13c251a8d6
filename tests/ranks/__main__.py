"""The command: trains every task on every kind of data in every way, and tells how far apart the weights are."""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

os.environ |= {"HF_HUB_OFFLINE": "1", "HF_EVALUATE_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
os.environ |= {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive"}
sys.path.insert(0, str(Path(__file__).parents[1]))

from helpers.fork_server import ForkServer
from helpers.toys import TASKS
from ranks.cases import WAYS, cases
from ranks.comparing import TOLERANCE, Compared, compare


def main() -> int:
    """Train, print a line per task and number of ranks, and return 1 where weights differ."""
    parser = argparse.ArgumentParser(prog="python -m tests.ranks", description=__doc__)
    parser.add_argument("--ranks", type=int, nargs="+", choices=[*WAYS][1:], default=[*WAYS][1:])
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=TASKS)
    parsed = parser.parse_args()

    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="ranks-") as folder, ForkServer(_environment(folder)) as server:
        compared = compare(server, Path(folder), cases(tuple(parsed.tasks)), [1, *parsed.ranks])

    _tell(compared)
    apart = [each for each in compared if not each.same]
    print(f"{len(compared)} trainings in {time.perf_counter() - started:.0f} s, {len(apart)} differ by {TOLERANCE}")
    return int(bool(apart))


def _environment(folder: str) -> dict[str, str]:
    tests = Path(__file__).parents[1]
    paths = os.pathsep.join([str(tests), str(tests.parent)])
    return {**os.environ, "PYTHONPATH": paths, "HF_HOME": f"{folder}/home"}


def _tell(compared: list[Compared]) -> None:
    groups: dict[tuple[str, int], list[Compared]] = {}
    for each in compared:
        groups.setdefault((each.case.task, each.ranks), []).append(each)

    for (task, ranks), members in groups.items():
        worst = max(members, key=lambda each: each.difference)
        print(f"{task:13} {ranks} ranks: {len(members):3} trainings, at most {worst.difference:.1e} apart")
    for each in compared:
        if not each.same:
            print(f"differs by {each.difference:.1e}: {each}")


if __name__ == "__main__":
    sys.exit(main())
