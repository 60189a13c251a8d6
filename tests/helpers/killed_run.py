"""A run that dies without a word in mid-epoch: for a process of its own."""

import logging
import os
import signal
import sys
from pathlib import Path

from transformers import TrainerCallback

from helpers.toys import make_trainer, unpickle


class Kill(TrainerCallback):
    """Kills the process at the end of a step."""

    def on_step_end(self, args, state, control, **kwargs):
        if state.global_step == 9:
            os.kill(os.getpid(), signal.SIGKILL)


def train_and_die(toy: bytes, folder: Path) -> None:
    """Train a pickled toy, saving at steps 4 and 8, until step 9."""
    logging.disable(logging.WARNING)
    make_trainer(unpickle(toy), folder, save_strategy="steps", save_steps=4, callbacks=[Kill()]).train()


TOUCHING = {"open", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "shutil.rmtree"}
SAVING = {"max_steps": 6, "save_strategy": "steps", "save_steps": 2, "save_total_limit": 1}


class KillWhileSaving(TrainerCallback):
    """Kills the process before it touches so many files more in the save of step 4, the deletion of step 2's included.

    Args:
        after: How many files it may touch.
    """

    def __init__(self, after: int) -> None:
        self.left: int | None = None
        self.after = after
        sys.addaudithook(self.look)

    def on_step_end(self, args, state, control, **kwargs):
        self.left = self.after if state.global_step == 4 else None

    def on_save(self, args, state, control, **kwargs):
        self.left = None

    def look(self, event, arguments):
        if self.left is None or event not in TOUCHING:
            return
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self.left -= 1


def train_and_die_while_saving(toy: bytes, folder: Path, after: int) -> None:
    """Train a pickled toy that keeps one checkpoint, and die in the second save if it touches so many files."""
    logging.disable(logging.WARNING)
    make_trainer(unpickle(toy), folder, **SAVING, callbacks=[KillWhileSaving(after)]).train()
