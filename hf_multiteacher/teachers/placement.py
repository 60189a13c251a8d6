"""Where teachers are: with the student, on another device, or on the CPU until it is their turn."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

IN_TURN = "in turn"
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Placement:
    """Where teachers run, and where their answers are wanted.

    Attributes:
        runs_on: Where they run.
        answers_on: Where the student is.
        in_turn: Whether they stay on the CPU and are brought there for each of their forwards.
    """

    runs_on: torch.device
    answers_on: torch.device
    in_turn: bool = False

    @classmethod
    def of(cls, teacher_device: str | None, student_device: torch.device | str) -> "Placement":
        """Read the argument of that name.

        Raises:
            ValueError: It names a device that is not there.
        """
        student = torch.device(student_device)
        if teacher_device is None:
            return cls(student, student)
        if teacher_device == IN_TURN:
            return cls(student, student, in_turn=True)

        return cls(_expect_device(teacher_device), student)

    @property
    def stays_on(self) -> torch.device:
        """Where their weights are while others run."""
        return CPU if self.in_turn else self.runs_on

    def settle(self, model: nn.Module) -> nn.Module:
        """Put a model where its weights stay, from where a GPU can fetch them by itself."""
        model.to(self.stays_on)
        if self.in_turn and self.runs_on.type == "cuda":
            for weight in _weights_of(model):
                weight.data = weight.data.pin_memory()

        return model

    @contextmanager
    def at_work(self, model: nn.Module) -> Iterator[nn.Module]:
        """Have a model where it runs, inside the block."""
        if not self.in_turn:
            yield model
            return

        with brought_to(model, self.runs_on):
            yield model


@contextmanager
def brought_to(model: nn.Module, device: torch.device) -> Iterator[None]:
    """Have copies of a frozen model's weights on a device inside the block; what they are copies of stays in place."""
    weights = _weights_of(model)
    resting = [weight.data for weight in weights]

    try:
        for weight in weights:
            weight.data = moved(weight.data, device)
        yield
    finally:
        for weight, data in zip(weights, resting, strict=True):
            weight.data = data


def moved(tensor: Tensor, device: torch.device) -> Tensor:
    """Bring a tensor to a device; the host waits for its own copies alone, which it could read too early."""
    return tensor.to(device, non_blocking=device.type != "cpu")


def all_moved(inputs: Mapping[str, Any], device: torch.device) -> dict[str, Any]:
    """Bring every tensor of a batch to a device."""
    return {name: moved(each, device) if isinstance(each, Tensor) else each for name, each in inputs.items()}


def _weights_of(model: nn.Module) -> list[Tensor]:
    return [*model.parameters(), *model.buffers()]


def _expect_device(name: str) -> torch.device:
    """Read the name of a device that is there.

    Raises:
        ValueError: It is none.
    """
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (AssertionError, ImportError, NotImplementedError, RuntimeError, TypeError):
        device = torch.device("meta")

    if device.type == "meta":
        gpus = [f"cuda:{index}" for index in range(torch.cuda.device_count())]
        raise ValueError(
            f"teacher_device names the device on which the teachers run, but {name!r} is none on this machine, which "
            f"has {['cpu', *gpus]}. Use one of these, '{IN_TURN}' to bring each teacher to the student's for its "
            "forward alone, or leave it out to keep them with the student."
        )
    return device
