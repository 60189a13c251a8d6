"""A run in a process of its own, which may be killed; what it leaves is its folder, or at its end its weights."""

import logging
import os
import pickle
import signal
import sys
import threading
import time
from collections import Counter
from pathlib import Path

from datasets.utils.logging import disable_progress_bar

from helpers.toys import unpickle, weights_of
from kills.runs import trainer_of

TOUCHING = {"open", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.link", "shutil.rmtree"}
KINDS = ("at any moment", "touching a file", "pushing", "writing a cache")


class Watch:
    """Counts what a run does to files and to the network, and kills it before it does the last one that it may.

    Args:
        kind: What is counted; None for everything, without killing.
        after: How many it may do.
    """

    def __init__(self, kind: str | None = None, after: int = 0) -> None:
        self.kind, self.left = kind, after
        self.seen: Counter[str] = Counter()
        sys.addaudithook(self.look)

    def look(self, event: str, arguments: tuple[object, ...]) -> None:
        """Count an event, as Python tells of it."""
        for kind in _kinds(event, arguments):
            self.seen[kind] += 1
            if kind != self.kind:
                continue
            if self.left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            self.left -= 1


def _kinds(event: str, arguments: tuple[object, ...]) -> list[str]:
    touching = event in TOUCHING
    pushing = threading.current_thread().name.startswith("push") and (touching or event == "socket.connect")
    cache = touching and "/cache/" in str(arguments[0] if arguments else "")
    return [kind for kind, so in zip(KINDS[1:], (touching, pushing, cache), strict=True) if so]


def undisturbed(name: str, toy: bytes, folder: Path, repository: str) -> None:
    """Run to the end, and pickle the weights and, for each kind, how many chances there are to kill it."""
    trainer = _trainer(name, toy, folder, repository)
    watch, started = Watch(), time.perf_counter()
    trainer.train()
    trainer.push_to_hub()

    chances = {KINDS[0]: time.perf_counter() - started, **watch.seen}
    (folder / "whole.pkl").write_bytes(pickle.dumps((weights_of(trainer), chances)))


def die(name: str, toy: bytes, folder: Path, repository: str, kind: str, when: float) -> None:
    """Run until it is killed, if it does not end before.

    Args:
        name: Of the run.
        toy: Pickled models and data.
        folder: Where it writes.
        repository: Where it pushes.
        kind: One of `KINDS`.
        when: After so many seconds, or before so many of what the kind counts.
    """
    trainer = _trainer(name, toy, folder, repository)
    if kind == KINDS[0]:
        signal.setitimer(signal.ITIMER_REAL, when)  # nobody handles the signal, so that it ends the process
    else:
        Watch(kind, int(when))
    trainer.train()
    trainer.push_to_hub()


def resume(name: str, toy: bytes, folder: Path, repository: str) -> None:
    """Go on where the run was left, without a hand, and pickle the weights."""
    trainer = _trainer(name, toy, folder, repository)
    trainer.train(resume_from_checkpoint=any((folder / "out").glob("checkpoint-*")))
    trainer.push_to_hub()
    (folder / "resumed.pkl").write_bytes(pickle.dumps(weights_of(trainer)))


def _trainer(name: str, toy: bytes, folder: Path, repository: str):
    logging.disable(logging.WARNING)
    disable_progress_bar()
    return trainer_of(name, unpickle(toy), folder, repository)
