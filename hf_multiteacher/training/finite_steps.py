"""Stops a training before the student learns from what is NaN or infinite."""

from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

Look = Callable[[], Mapping[str, Sequence[str]]]
"""Tells of a micro-batch which components are NaN or infinite, and on which examples."""
EXAMPLES_NAMED = 3


class NotFiniteError(ValueError):
    """A part of the loss is NaN or infinite, or the student's weights are; they are not saved in a checkpoint."""


class UnsoundTeacherError(NotFiniteError):
    """A teacher that the student follows answers NaN or infinity; the student's weights are as before the step."""


class FiniteSteps(TrainerCallback):
    """Refuses a step of the optimizer in which a teacher that is followed, or the loss, was NaN or infinite.

    The device is not waited for when it says so, but before the optimizer's step, when the host has handed it the
    backward pass: what was said is on its way to the host since before that, so that the device does not run dry.
    What it was, and where, is looked for only then.

    Args:
        names: The teachers'.
        at_once: Whether to wait for every batch, where the optimizer steps in the backward pass.
    """

    def __init__(self, names: Sequence[str], *, at_once: bool) -> None:
        self.names = names
        self.at_once = at_once
        self._looks: list[Look] = []
        self._faulty: Tensor | None = None
        self._on_host: Tensor | None = None
        self._arrived: Any = None

    def on_step_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Forget the step before, and what one that was not finished has left."""
        self._looks = []
        self._faulty = self._on_host = None

    def add(self, faulty: Tensor | None, loss: Tensor, look: Look) -> None:
        """Note what a micro-batch has shown.

        Args:
            faulty: Which teachers answered NaN or infinity; bool [teachers], on any device; None where none was asked.
            loss: The loss of the micro-batch.
            look: Finds out more, where that is needed.

        Raises:
            NotFiniteError: Something is not finite, and the optimizer would step before anything else is asked.
        """
        self._looks.append(look)
        self._note(faulty, loss)

    def add_loss(self, loss: Tensor) -> None:
        """Note what somebody has made of the loss of a micro-batch.

        Raises:
            NotFiniteError: As in `add`.
        """
        self._note(None, loss)

    def on_pre_optimizer_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Refuse the step where a teacher has no answer, or the loss is no number.

        Raises:
            NotFiniteError: It is so.
        """
        self._expect_finite()

    def _note(self, faulty: Tensor | None, loss: Tensor) -> None:
        sound = loss.new_zeros(len(self.names), dtype=torch.bool) if faulty is None else faulty
        flags = torch.cat([sound, ~loss.detach().isfinite().view(1)])

        self._faulty = flags if self._faulty is None else self._faulty | flags
        self._send()
        if self.at_once:
            self._expect_finite()

    def _send(self) -> None:
        """Start copying to the host."""
        if self._faulty is None or self._faulty.device.type != "cuda":
            self._on_host = self._faulty
            return

        self._on_host = torch.empty(self._faulty.shape, dtype=torch.bool, pin_memory=True)
        self._on_host.copy_(self._faulty, non_blocking=True)
        self._arrived = torch.cuda.Event()
        self._arrived.record()

    def _expect_finite(self) -> None:
        if self._on_host is None:
            return
        if self._arrived is not None:
            self._arrived.synchronize()

        *faulty, lost = self._on_host.tolist()
        names = [name for name, each in zip(self.names, faulty, strict=True) if each]
        if names:
            raise self._unsound(names)
        if lost:
            raise self._lost()

    def _unsound(self, names: Sequence[str]) -> UnsoundTeacherError:
        return UnsoundTeacherError(
            f"Teacher {', '.join(map(repr, names))} answered NaN or infinity, from which the student would learn to "
            f"do the same{self._place()}. The training stops before the optimizer's step, with the student as it was. "
            "Look at this teacher's weights, run it in a higher precision (teacher_dtype='float32'), leave out such "
            "rows (skip_nonfinite_rows=True), or give it weight 0 in teacher_weights."
        )

    def _lost(self) -> NotFiniteError:
        return NotFiniteError(
            f"The loss is NaN or infinite{self._place()}. The training stops before the optimizer's step, and the "
            "checkpoints that were saved stay. The teachers' answers are finite: the student has diverged, or what an "
            "override computes is no number. Lower learning_rate or max_grad_norm, or look at the student's weights "
            "and at these examples."
        )

    def _place(self) -> str:
        """Say which components, in which batch of the step and on which examples; waits for the device."""
        for number, look in enumerate(self._looks, 1):
            found = look()
            if not found:
                continue

            examples = [*dict.fromkeys(chain(*found.values()))]
            more = f" and {len(examples) - EXAMPLES_NAMED} more" if len(examples) > EXAMPLES_NAMED else ""
            named = ", ".join(examples[:EXAMPLES_NAMED]) + more
            return f": {', '.join(found)} in batch {number} of {len(self._looks)}, {named}"

        return ""


def expect_finite_weights(student: nn.Module, consequence: str) -> None:
    """Refuse to keep a student whose weights are NaN or infinite, for example after a gradient that was; waits once.

    Args:
        student: The student.
        consequence: What does not happen, for the message.

    Raises:
        NotFiniteError: Some are.
    """
    weights = {name: each for name, each in student.named_parameters() if each.is_floating_point()}
    finite = torch.stack([each.detach().isfinite().all() for each in weights.values()]).tolist() if weights else []
    lost = [name for name, sound in zip(weights, finite, strict=True) if not sound]

    if lost:
        raise NotFiniteError(
            f"The student's weights are NaN or infinite in {len(lost)} of {len(weights)} tensors (the first is "
            f"{lost[0]}), so {consequence}. It has diverged: go on from an earlier checkpoint, with a lower "
            "learning_rate or max_grad_norm."
        )
