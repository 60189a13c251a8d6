"""A teacher as the user describes it."""

import math
import os
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
        temperature: What its logits are divided by before anything else is done with them, so that it is as sure as it
            is right; default: 1, or what `calibrate_teachers` finds.

    Raises:
        TypeError: `model` is none of these.
        ValueError: `temperature` is no number above 0.
    """

    model: "str | os.PathLike[str] | PreTrainedModel | PeftModel"
    _: KW_ONLY
    tokenizer: "PreTrainedTokenizerBase | str | os.PathLike[str] | None" = None
    name: str | None = None
    revision: str | None = None
    trust_remote_code: bool = False
    temperature: float | None = None

    def __post_init__(self) -> None:
        model = uncompiled(self.model) if isinstance(self.model, nn.Module) else self.model
        if not isinstance(model, str | os.PathLike | PreTrainedModel | PeftModel):
            raise TypeError(
                "A teacher is an id on the Hub, a folder, a transformers model or a PEFT model, but got "
                f"{type(model).__name__}, which cannot be loaded or run as one."
            )

        if self.temperature is not None and not 0 < self.temperature < math.inf:
            raise ValueError(
                f"A teacher's logits are divided by its temperature, so it must be a number above 0, got "
                f"{self.temperature!r}. Leave it out to follow the teacher as it is."
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
