"""What a command says on stderr while it works: its stages, and of a training one bar and one short line per log."""

import os
import sys
from contextlib import ExitStack
from time import monotonic
from types import TracebackType
from typing import Any

from tqdm import tqdm
from transformers import (
    PrinterCallback,
    ProgressCallback,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from .quiet_libraries import quiet_libraries, quiet_resume

WIDTH = 80
BAR = "  step {n_fmt}/{total_fmt} |{bar}| {remaining} left"
LOSSES = {"loss": "loss", "soft_loss": "soft", "hard_loss": "hard", "hidden_loss": "hidden"}
NOT_SHOWN = ("runtime", "per_second", "preparation_time", "epoch", "loyalty")
LINES_IN_A_FILE = 10
"""So many lines of a training at most where no terminal shows them, and as many of its evaluations."""


class Progress:
    """Says on stderr what is being done: stages, and per training one bar and one short line per log.

    Where stderr is no terminal there are plain lines alone. Of several ranks the first one speaks.

    Args:
        stages: How many there will be.
        verbose: Leave the libraries' own bars and notes as they are, and each training its full logs.

    Example:
        ```python
        with Progress(2) as progress:
            progress.stage("Distil the student from both")  # [1/2] Distil the student from both
            progress.follow(trainer)
            trainer.train()  # step 30/300  loss 2.999  soft 0.09567  hard 5.902  00:12 left
            progress.stage("Measure and save")
        ```
    """

    def __init__(self, stages: int, *, verbose: bool = False) -> None:
        self.stages = stages
        self.verbose = verbose
        self.begun = 0
        self._until_the_end = ExitStack()

    def __enter__(self) -> "Progress":
        """Have the libraries be silent, unless verbose."""
        if not self.verbose:
            self._until_the_end.enter_context(quiet_libraries())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close bars that an error has left, and let the libraries speak as before."""
        self._until_the_end.close()

    def stage(self, title: str) -> None:
        """Say that the next stage begins, and which of how many it is."""
        self.begun += 1
        if os.environ.get("RANK", "0") == "0":  # there may be no process group yet that could be asked
            _say(f"[{self.begun}/{self.stages}] {title}")

    def follow(self, trainer: Trainer) -> None:
        """Show the training of a trainer as one bar and one short line per log, in place of its own printing.

        Args:
            trainer: Before it trains or evaluates; an evaluation outside of a training shows nothing.
        """
        if self.verbose:
            return

        for own in (ProgressCallback, PrinterCallback):
            trainer.remove_callback(own)
        shown = _ShownTraining()
        trainer.add_callback(shown)
        self._until_the_end.callback(shown.close)
        self._until_the_end.enter_context(quiet_resume(getattr(trainer.model, "all_tied_weights_keys", None) or {}))


class _ShownTraining(TrainerCallback):
    """The bar and the lines of one training; an evaluation outside of it says nothing."""

    def __init__(self) -> None:
        self.bar: Any = None

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Open the bar, on a terminal alone."""
        if not state.is_world_process_zero:
            return

        self.first_step, self.began = state.global_step, monotonic()
        self.said: dict[str, int] = {}
        self.bar = tqdm(
            total=state.max_steps,
            initial=state.global_step,
            bar_format=BAR,
            leave=False,
            dynamic_ncols=True,
            disable=True if args.disable_tqdm else None,
        )

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Move the bar."""
        if self.bar is not None:
            self.bar.update(state.global_step - self.bar.n)

    def on_log(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Say the losses, or what an evaluation has found; where anything is logged, the last step has a line."""
        logs = kwargs["logs"]
        if self.bar is None or args.logging_strategy == "no":
            return

        step = f"step {state.global_step}/{state.max_steps}"
        if "loss" in logs and self._is_due("loss", state):
            _say(_fitting([step, *_losses(logs), self._time(state)]))
        elif "train_runtime" in logs and self.said.get("loss") != state.global_step:
            _say(_fitting([step, f"mean loss {_figure(logs['train_loss'])}", self._taken()]))
        elif any(name.startswith("eval_") for name in logs) and self._is_due("evaluation", state):
            _say(_fitting([step, "evaluation:", *_measures(logs)]))

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Take the bar away; the lines stay."""
        self.close()

    def close(self) -> None:
        """Take the bar away, if there is one."""
        if self.bar is not None:
            self.bar.close()
            self.bar = None

    def _is_due(self, kind: str, state: TrainerState) -> bool:
        """Whether to say a log of a kind now: all on a terminal, in a file a few that are equally far apart."""
        last = self.said.get(kind, self.first_step)
        far = LINES_IN_A_FILE * (state.global_step - last) >= state.max_steps
        due = far or not self.bar.disable or state.global_step >= state.max_steps
        if due:
            self.said[kind] = state.global_step
        return due

    def _time(self, state: TrainerState) -> str:
        """Say how long the training still takes, or at its end how long it took."""
        done, left = state.global_step - self.first_step, state.max_steps - state.global_step
        if left <= 0:
            return self._taken()
        return f"{tqdm.format_interval((monotonic() - self.began) / max(done, 1) * left)} left"

    def _taken(self) -> str:
        return f"took {tqdm.format_interval(monotonic() - self.began)}"


def _losses(logs: dict[str, Any]) -> list[str]:
    return [f"{shown} {_figure(logs[name])}" for name, shown in LOSSES.items() if name in logs]


def _measures(logs: dict[str, Any]) -> list[str]:
    """Take the student's figures out of an evaluation, the loss first as the Trainer has it."""
    names = {name: name.removeprefix("eval_") for name in logs}
    return [
        f"{shown.replace('_', ' ')} {_figure(logs[name])}"
        for name, shown in names.items()
        if "/" not in shown and not shown.endswith(NOT_SHOWN)
    ]


def _figure(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _fitting(parts: list[str]) -> str:
    """Join what fits on a line."""
    line = " "
    for part in parts:
        if len(line) + 2 + len(part) <= WIDTH:
            line += f" {part} "
    return line.rstrip()


def _say(line: str) -> None:
    """Write a line, above a bar where there is one."""
    tqdm.write(line, file=sys.stderr)
