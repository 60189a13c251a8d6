"""A run that dies without a word in mid-epoch: for a process of its own."""

import logging
import os
import signal
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
