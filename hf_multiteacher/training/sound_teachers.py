"""Stops a training before it follows a teacher that answers NaN or infinity."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments


class UnsoundTeacherError(ValueError):
    """A teacher that the student follows answers NaN or infinity; the student's weights are as before the step."""


class SoundTeachers(TrainerCallback):
    """Refuses a step of the optimizer in which a teacher that is followed answered NaN or infinity.

    The device is not waited for when it says so, but before the optimizer's step, when the host has handed it the
    backward pass: what was said is on its way to the host since before that, so that the device does not run dry.

    Args:
        names: The teachers'.
        at_once: Whether to wait for every batch, where the optimizer steps in the backward pass.
    """

    def __init__(self, names: Sequence[str], *, at_once: bool) -> None:
        self.names = names
        self.at_once = at_once
        self._faulty: Tensor | None = None
        self._on_host: Tensor | None = None
        self._arrived: Any = None

    def on_step_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Forget what an optimizer step that was not finished has left."""
        self._faulty = self._on_host = None

    def add(self, faulty: Tensor) -> None:
        """Note what a micro-batch has shown.

        Args:
            faulty: Which teachers answered NaN or infinity; bool [teachers], on any device.

        Raises:
            UnsoundTeacherError: One did, and the optimizer would step before anything else is asked.
        """
        self._faulty = faulty if self._faulty is None else self._faulty | faulty
        self._send()
        if self.at_once:
            self._expect_sound()

    def on_pre_optimizer_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Refuse the step where a teacher has no answer.

        Raises:
            UnsoundTeacherError: One has none.
        """
        self._expect_sound()

    def _send(self) -> None:
        """Start copying to the host."""
        if self._faulty is None or self._faulty.device.type != "cuda":
            self._on_host = self._faulty
            return

        self._on_host = torch.empty(self._faulty.shape, dtype=torch.bool, pin_memory=True)
        self._on_host.copy_(self._faulty, non_blocking=True)
        self._arrived = torch.cuda.Event()
        self._arrived.record()

    def _expect_sound(self) -> None:
        if self._on_host is None:
            return
        if self._arrived is not None:
            self._arrived.synchronize()

        names = [name for name, faulty in zip(self.names, self._on_host.tolist(), strict=True) if faulty]
        if names:
            raise UnsoundTeacherError(
                f"Teacher {', '.join(map(repr, names))} answered NaN or infinity, from which the student would learn "
                "to do the same. The training stops before the optimizer's step, with the student as it was. Look at "
                "this teacher's weights, run it in a higher precision (teacher_dtype='float32'), or give it weight 0 "
                "in teacher_weights."
            )
