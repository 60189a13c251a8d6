"""One frozen teacher: its model, its tokenizer, and what tells it from another one."""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import nn
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

from ..models.row_forward import RowForward
from ..models.task import Task
from ..tokenization.encoder import tokenizer_fingerprint
from .fingerprint import weight_fingerprint


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
        row_forward: Runs the model with its head at the wanted rows only.
    """

    name: str
    model: nn.Module
    tokenizer: PreTrainedTokenizerBase | None
    id: str
    commit: str | None
    task: Task
    label_index: torch.Tensor | None

    def __post_init__(self) -> None:
        """Prepare the forward before anybody can compile or wrap the model."""
        self.row_forward = RowForward(self.model, f"teacher '{self.name}'")

    @cached_property
    def manifest(self) -> dict[str, str | None]:
        """See `TeacherEnsemble.manifest`."""
        return {
            "name": self.name,
            "id": self.id,
            "revision": self.commit or weight_fingerprint(self.model),
            "tokenizer": _tokenizer_hash(self.tokenizer),
            "dtype": str(next(self.model.parameters(), torch.empty(0)).dtype).removeprefix("torch."),
        }

    def to(self, device: torch.device | str) -> None:
        """Move the model to `device`."""
        self.model.to(device)

        if self.label_index is not None:
            self.label_index = self.label_index.to(device)


def _tokenizer_hash(tokenizer: PreTrainedTokenizerBase | None) -> str | None:
    return f"sha256:{tokenizer_fingerprint(tokenizer)}" if isinstance(tokenizer, PreTrainedTokenizerFast) else None
