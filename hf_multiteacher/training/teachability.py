"""How well the student follows each teacher, over time: what the teachers' weights can go by."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from ..whole_file import write_text

TEACHABILITY = "teachability.json"
MEMORY = 0.98
"""What a running loss keeps of itself in a step: it looks back about 50 steps."""


class Teachability(TrainerCallback):
    """Keeps each teacher's own soft loss, running, the same on every rank; where somebody wants to know it.

    Args:
        names: Those of the teachers.
        latest: Gives the part of the running micro-batch in the means of its step; None where there is none.
        add_ranks: Adds a tensor up over all ranks.
        device: Where these means are.

    Attributes:
        losses: [teachers]; NaN of one that has said nothing yet.
        follow: Told these after every step; None where nobody wants to know. The trainer sets it.
    """

    def __init__(
        self,
        names: Sequence[str],
        latest: Callable[[], Mapping[str, Tensor] | None],
        add_ranks: Callable[[Tensor], Tensor],
        device: torch.device,
    ) -> None:
        self.names = [*names]
        self.latest = latest
        self.add_ranks = add_ranks
        self.losses = torch.full((len(self.names),), torch.nan, device=device)
        self.follow: Callable[[Tensor], None] | None = None
        self._step = torch.zeros_like(self.losses)

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Know nothing yet, unless a resume has read what was known."""
        if not state.global_step:
            self.losses = torch.full_like(self.losses, torch.nan)

    def on_step_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Begin a step with what is known, also the first one of a resume."""
        if self.follow is not None:
            self._step = torch.zeros_like(self.losses)
            self.follow(self.losses)

    def on_substep_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Add what a micro-batch has of the step's means."""
        parts = self.latest()
        if self.follow is not None and parts:
            found = torch.stack([parts[f"soft_loss/{name}"] for name in self.names])
            self._step = self._step + found.detach().to(self._step.dtype)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Take the means of a whole step into the running losses; a teacher without a row, whose mean is 0, waits."""
        if self.follow is None:
            return

        self.on_substep_end(args, state, control)
        means = self.add_ranks(self._step)

        running = MEMORY * self.losses + (1 - MEMORY) * means
        running = running.where(self.losses.isfinite(), means)
        self.losses = running.where(means != 0, self.losses)
        self.follow(self.losses)

    def write_to(self, folder: str | Path) -> None:
        """Write the running losses into a checkpoint."""
        if self.follow is not None:
            losses = dict(zip(self.names, self.losses.tolist(), strict=True))
            write_text(Path(folder) / TEACHABILITY, json.dumps(losses))

    def read_from(self, checkpoint: str | Path) -> None:
        """Read them; where the student alone was saved, they start anew."""
        path = Path(checkpoint) / TEACHABILITY
        known = json.loads(path.read_text("utf-8")) if path.is_file() else {}
        self.losses = torch.tensor([known.get(name, torch.nan) for name in self.names], device=self.losses.device)
