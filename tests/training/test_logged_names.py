"""Logs and trackers call the parts of the loss what docs/objective.md calls them."""

import re
from pathlib import Path

from transformers import TrainerCallback
from transformers.integrations import rewrite_logs

from helpers.toys import make_toy, make_trainer

PAGE = Path(__file__).parents[2] / "docs" / "objective.md"
OF_THE_TRAINER = {"grad_norm", "learning_rate", "epoch"}


class Tracker(TrainerCallback):
    """Keeps the names that it is given, as TensorBoard and most others call them."""

    def __init__(self):
        self.names = set()

    def on_log(self, args, state, control, logs=None, **kwargs):
        if "loss" in logs:
            self.names |= rewrite_logs(logs).keys()


def test_trackers_get_the_names_of_the_docs_and_no_others(tmp_path):
    table = PAGE.read_text(encoding="utf-8").partition("## What is logged")[2].partition("\n## ")[0]
    cells = re.findall(r"^\| (`.+?`) \|", table, flags=re.MULTILINE)
    documented = [name for cell in cells for name in re.findall("`(.+?)`", cell)]
    teachers = {name.replace("<teacher>", teacher) for name in documented for teacher in ("first", "second")}

    tracker = Tracker()
    for option in ({"hidden_state_weight": 1.0}, {"skip_nonfinite_rows": True}):  # they do not go together
        toy = make_toy("masked-lm", **option)
        make_trainer(toy, tmp_path, max_steps=2, logging_steps=1, callbacks=[tracker]).train()

    # The first teacher reads the student's tokens, of which it has all.
    shared = {"train/coverage/first", "train/shared_mass/first"}
    assert tracker.names == {f"train/{name}" for name in teachers | OF_THE_TRAINER} - shared
