"""A teacher as the user describes it, and how it is said that it cannot be loaded."""

import os
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Any

from peft import PeftModel
from torch import nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from ..models.task import uncompiled


@dataclass(frozen=True)
class Teacher:
    """A teacher, where its id, path or model alone does not say enough.

    Args:
        model: An id on the Hub, a folder, or a model, PEFT-wrapped, compiled or neither. Id and folder may hold a PEFT
            adapter. A model object is used as it is, not copied: it will be frozen, put in eval mode and moved.
        tokenizer: The teacher's tokenizer, or where to load it from; default: from beside the model.
        name: What logs and messages call it; default: the last part of the id or path.
        revision: Branch, tag or commit on the Hub.
        trust_remote_code: Whether code from the model's repository may run.

    Raises:
        TypeError: `model` is none of these.
    """

    model: "str | os.PathLike[str] | PreTrainedModel | PeftModel"
    _: KW_ONLY
    tokenizer: "PreTrainedTokenizerBase | str | os.PathLike[str] | None" = None
    name: str | None = None
    revision: str | None = None
    trust_remote_code: bool = False

    def __post_init__(self) -> None:
        model = uncompiled(self.model) if isinstance(self.model, nn.Module) else self.model
        if not isinstance(model, str | os.PathLike | PreTrainedModel | PeftModel):
            raise TypeError(
                "A teacher is an id on the Hub, a folder, a transformers model or a PEFT model, but got "
                f"{type(model).__name__}, which cannot be loaded or run as one."
            )

    @property
    def source(self) -> str:
        """Where the teacher comes from: its id or path; empty for a model that was built from a configuration."""
        if isinstance(self.model, str | os.PathLike):
            return os.fspath(self.model)
        return str(self.model.config.name_or_path or "")

    @property
    def public_id(self) -> str:
        """Its id on the Hub as it is, and of a path only the last part: absolute paths are nobody's business."""
        path = Path(self.source)
        local = path.exists() or path.is_absolute()

        return path.resolve().name if self.source and local else self.source

    @property
    def remote(self) -> dict[str, Any]:
        """What every `from_pretrained` call on `source` needs to know."""
        return {"revision": self.revision, "trust_remote_code": self.trust_remote_code}


@contextmanager
def explained(name: str, part: str) -> Iterator[None]:
    """Turn whatever the libraries raise into one line that names the teacher.

    Args:
        name: What messages call the teacher.
        part: What of it is being loaded.

    Raises:
        ValueError: It could not be loaded.
    """
    try:
        yield
    except Exception as error:
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:500]}"
        if isinstance(error, pickle.UnpicklingError):
            reason = "the file pickles more than tensors, which could run code: convert it to safetensors"

        raise ValueError(
            f"Teacher '{name}': its {part} cannot be loaded ({reason}). Give a folder or an id that AutoModel and "
            "AutoTokenizer can read, or a loaded model: Teacher(model, tokenizer=...)."
        ) from error
