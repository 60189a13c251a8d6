"""One frozen teacher: its model, its tokenizer, and what tells it from another one."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import nn
from transformers import PretrainedConfig, PreTrainedTokenizerBase, PreTrainedTokenizerFast

from ..models.row_forward import RowForward
from ..models.task import Task, without_adapters
from ..tokenization.encoder import tokenizer_fingerprint
from .fingerprint import configuration_fingerprint, weight_fingerprint
from .placement import Placement, moved
from .shared_labels import SharedLabels


@dataclass
class LoadedTeacher:
    """One frozen teacher, as `TeacherEnsemble` holds it.

    Attributes:
        name: Unique among the teachers.
        model: In eval mode, without gradients.
        tokenizer: None where neither it nor the student has one.
        id: Its id on the Hub, or the last part of its path, never the path.
        commit: The commit on the Hub, where that alone says which weights these are.
        task: The student's task.
        label_index: See `align_labels`.
        temperature: What its logits are divided by; None where nobody has said, so that they stay as they are.
        shared_labels: What it shares with a student of other labels; None where both have the same.
        source: What tells its weights from others without loading them, and the dtype in which they are loaded; None
            of a model object.
        load: Loads the model of a teacher that is asleep: whose outputs are in a cache, so that it is on the "meta"
            device until something is missing there.
        known: The manifest of such a teacher.
        row_forward: Runs the model with its head at the wanted rows only.
        placement: Where it is.
    """

    name: str
    model: nn.Module
    tokenizer: PreTrainedTokenizerBase | None
    id: str
    commit: str | None
    task: Task
    label_index: torch.Tensor | None
    temperature: float | None = None
    shared_labels: SharedLabels | None = None
    source: dict[str, str] | None = None
    load: Callable[[], nn.Module] | None = None
    known: dict[str, str | None] | None = None
    placement: Placement = field(init=False)

    def __post_init__(self) -> None:
        """Prepare the forward before anybody can compile or wrap the model."""
        self.row_forward = RowForward(self.model, f"teacher '{self.name}'")
        weight = next(self.model.parameters(), torch.empty(0))
        device = torch.device("cpu") if weight.is_meta else weight.device
        self.placement = Placement(device, device)

    @property
    def device(self) -> torch.device:
        """Where it runs."""
        return self.placement.runs_on

    @property
    def asleep(self) -> bool:
        """Whether its weights are still to be loaded."""
        return self.load is not None

    @property
    def config(self) -> PretrainedConfig:
        """The configuration of its model."""
        return without_adapters(self.model).config

    def wake(self) -> nn.Module:
        """Return the model, loaded where it is not yet."""
        if self.load is not None:
            self.model = self.placement.settle(self.load().requires_grad_(False).eval())
            self.row_forward = RowForward(self.model, self.row_forward.name)
            self.load = None

        return self.model

    def as_followed(self, logits: torch.Tensor) -> torch.Tensor:
        """Put logits [..., labels] into the student's order of labels, and make them as sure as they should be."""
        ordered = logits if self.label_index is None else logits.index_select(-1, self.label_index)
        return ordered if self.temperature is None else ordered / self.temperature

    @cached_property
    def tokenizer_hash(self) -> str | None:
        """What tells its tokenizer from others; None where it has no fast one."""
        if not isinstance(self.tokenizer, PreTrainedTokenizerFast):
            return None
        return f"sha256:{tokenizer_fingerprint(self.tokenizer)}"

    @cached_property
    def identity(self) -> dict[str, Any]:
        """What decides about its outputs, beside what it reads."""
        weights = self.source or {
            "weights": weight_fingerprint(self.model),
            "configuration": configuration_fingerprint(self.model),
            "dtype": _dtype_of(self.model),
        }
        return {"task": str(self.task), "tokenizer": self.tokenizer_hash} | weights

    def expect_unchanged(self) -> None:
        """Refuse a model that has other weights by now than when its identity was taken.

        Raises:
            ValueError: It has.
        """
        if self.source is None and weight_fingerprint(self.model) != self.identity["weights"]:
            raise ValueError(
                f"Teacher '{self.name}' was changed since the run was set up, so what it says would be kept as what "
                "the other one says. Make the trainer anew, with the teacher as it is now."
            )

    @cached_property
    def manifest(self) -> dict[str, str | None]:
        """See `TeacherEnsemble.manifest`."""
        if self.known is not None:
            return self.known | {"name": self.name}

        return {
            "name": self.name,
            "id": self.id,
            "revision": self.commit or weight_fingerprint(self.model),
            "tokenizer": self.tokenizer_hash,
            "dtype": _dtype_of(self.model),
        }

    def at_work(self) -> AbstractContextManager[nn.Module]:
        """Have the model where it runs, loaded where it is not yet, inside the block."""
        return self.placement.at_work(self.wake())

    def answers(self, tensor: torch.Tensor) -> torch.Tensor:
        """Bring what it says to where that is wanted."""
        return moved(tensor, self.placement.answers_on)

    def place(self, placement: Placement) -> None:
        """Move the model, now or when it is loaded."""
        self.placement = placement
        if not self.asleep:
            placement.settle(self.model)

        if self.label_index is not None:
            self.label_index = self.label_index.to(placement.answers_on)


def _dtype_of(model: nn.Module) -> str:
    return str(next(model.parameters(), torch.empty(0)).dtype).removeprefix("torch.")
