"""Stops a training before the student learns from what is NaN or infinite."""

from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.tensor import DTensor
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
    What it was, and where, is looked for only then. Of several ranks, all stop where one has to: it would leave the
    others waiting for its gradients.

    Args:
        names: The teachers'.
        at_once: Whether to wait for every batch, where the optimizer steps in the backward pass.
        over_ranks: Adds a tensor up over all ranks; None where there is one.
    """

    def __init__(
        self, names: Sequence[str], *, at_once: bool, over_ranks: Callable[[Tensor], Tensor] | None = None
    ) -> None:
        self.names = names
        self.at_once = at_once
        self.over_ranks = over_ranks
        self._looks: list[Look] = []
        self._faulty: Tensor | None = None
        self._on_host: Tensor | None = None
        self._arrived: Any = None
        self._beside: Any = None

    def on_step_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Forget the step before, and what one that was not finished has left."""
        self._looks = []
        self._faulty = self._on_host = None

    def add(self, faulty: Tensor | None, loss: Tensor, look: Look, *, last: bool = True) -> None:
        """Note what a micro-batch has shown.

        Args:
            faulty: Which teachers answered NaN or infinity; bool [teachers], on any device; None where none was asked.
            loss: The loss of the micro-batch.
            look: Finds out more, where that is needed.
            last: Whether the step has no other micro-batch after this one.

        Raises:
            NotFiniteError: Something is not finite, and the optimizer would step before anything else is asked.
        """
        self._looks.append(look)
        self._note(faulty, loss, last=last)

    def add_loss(self, loss: Tensor, *, last: bool = True) -> None:
        """Note what somebody has made of the loss of a micro-batch; `last` as in `add`.

        Raises:
            NotFiniteError: As in `add`.
        """
        self._note(None, loss, last=last)

    def on_pre_optimizer_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Refuse the step where a teacher has no answer, or the loss is no number.

        Raises:
            NotFiniteError: It is so.
        """
        self._expect_finite()

    def _note(self, faulty: Tensor | None, loss: Tensor, *, last: bool) -> None:
        sound = loss.new_zeros(len(self.names), dtype=torch.bool) if faulty is None else faulty
        flags = torch.cat([sound, ~loss.detach().isfinite().view(1)])

        self._faulty = flags if self._faulty is None else self._faulty | flags
        if last or self.at_once:
            self._send(self._faulty)
        if self.at_once:
            self._expect_finite()

    def _send(self, faulty: Tensor) -> None:
        """Start telling the other ranks, and copying to the host; what is computed meanwhile does not wait for it."""
        if faulty.device.type != "cuda":
            self._on_host = self._on_any_rank(faulty)
            return

        self._beside = self._beside or torch.cuda.Stream(faulty.device)
        self._beside.wait_stream(torch.cuda.current_stream(faulty.device))
        faulty.record_stream(self._beside)
        with torch.cuda.stream(self._beside):
            told = self._on_any_rank(faulty)
            self._on_host = torch.empty(told.shape, dtype=torch.bool, pin_memory=True)
            self._on_host.copy_(told, non_blocking=True)
            self._arrived = torch.cuda.Event()
            self._arrived.record()

    def _on_any_rank(self, faulty: Tensor) -> Tensor:
        return faulty if self.over_ranks is None else self.over_ranks(faulty.int()) > 0

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

        return "" if self.over_ranks is None else ", in a batch of another rank"


def expect_finite_weights(
    student: nn.Module, consequence: str, over_ranks: Callable[[Tensor], Tensor] | None = None
) -> None:
    """Refuse to keep a student whose weights are NaN or infinite, for example after a gradient that was; waits once.

    Args:
        student: The student.
        consequence: What does not happen, for the message.
        over_ranks: Adds a tensor up over all ranks, which have a part of each weight where it is sharded.

    Raises:
        NotFiniteError: Some are.
    """
    weights = {name: _own_part(each) for name, each in student.named_parameters() if each.is_floating_point()}
    if not weights:
        return

    unsound = torch.stack([~each.isfinite().all() for each in weights.values()])
    faulty = unsound if over_ranks is None else over_ranks(unsound.int())
    lost = [name for name, wrong in zip(weights, faulty.tolist(), strict=True) if wrong]

    if lost:
        raise NotFiniteError(
            f"The student's weights are NaN or infinite in {len(lost)} of {len(weights)} tensors (the first is "
            f"{lost[0]}), so {consequence}. It has diverged: go on from an earlier checkpoint, with a lower "
            "learning_rate or max_grad_norm."
        )


def _own_part(weight: Tensor) -> Tensor:
    """Return what this rank has of a weight: all of it, unless it is sharded."""
    values = weight.detach()
    return values.to_local() if isinstance(values, DTensor) else values
