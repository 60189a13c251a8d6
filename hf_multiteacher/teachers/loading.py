"""Load a teacher's model and tokenizer from the Hub or a folder, and refuse what has no trained head for the task."""

import logging
import os
import pickle
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import KW_ONLY, dataclass
from typing import Any, cast

import torch
from peft import PeftConfig, PeftModel
from peft.utils import load_peft_weights
from torch import nn
from transformers import (
    AutoConfig,
    AutoTokenizer,
    PretrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.utils import cached_file
from transformers.utils.hub import extract_commit_hash

from ..models.task import Task, task_of, without_adapters
from .labels import has_names

logger = logging.getLogger(__name__)

# transformers 5 answers a folder without tokenizer files with a tokenizer that has special tokens only.
FEWEST_ENTRIES = 10


@dataclass(frozen=True)
class Teacher:
    """A teacher, where its id, path or model alone does not say enough.

    Args:
        model: An id on the Hub, a folder, or a model (PEFT-wrapped or not). Id and folder may hold a PEFT adapter. A
            model object is used as it is, not copied: it will be frozen, put in eval mode and moved.
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
        if not isinstance(self.model, str | os.PathLike | PreTrainedModel | PeftModel):
            raise TypeError(
                "A teacher is an id on the Hub, a folder, a transformers model or a PEFT model, but got "
                f"{type(self.model).__name__}, which cannot be loaded or run as one."
            )

    @property
    def source(self) -> str:
        """Where the teacher comes from: its id or path; empty for a model that was built from a configuration."""
        if isinstance(self.model, str | os.PathLike):
            return os.fspath(self.model)
        return str(self.model.config.name_or_path or "")

    @property
    def remote(self) -> dict[str, Any]:
        """What every `from_pretrained` call on `source` needs to know."""
        return {"revision": self.revision, "trust_remote_code": self.trust_remote_code}


def load_model(
    teacher: Teacher, name: str, task: Task, student_config: PretrainedConfig, dtype: torch.dtype | str
) -> nn.Module:
    """Load a teacher given by id or path, a PEFT adapter with its base model, and check that it is trained for `task`.

    Args:
        teacher: What to load.
        name: What messages call it.
        task: The student's task.
        student_config: Gives the number of labels where an adapter's base model was never told it.
        dtype: Of the weights, whatever the file holds.

    Raises:
        ValueError: It cannot be loaded, or (part of) its head for this task would be freshly initialised.
    """
    source = teacher.source
    with _explained(name, "configuration"):
        is_adapter = _file(teacher, "adapter_config.json") is not None
        base, base_remote = _base_of(teacher) if is_adapter else (source, teacher.remote)
        config = AutoConfig.from_pretrained(base, **base_remote)
        if is_adapter:
            config = _adapter_config(teacher, config, student_config)
    if not is_adapter:
        _refuse_other_head(name, config, task)
    with _explained(name, "weights"):
        model, report = task.auto_class.from_pretrained(
            base, config=config, dtype=dtype, output_loading_info=True, **base_remote
        )
        missing = set(report["missing_keys"])
        if is_adapter:
            saved = load_peft_weights(source, device="cpu", revision=teacher.revision)
            missing -= {key.removeprefix("base_model.model.") for key in saved}
            model = PeftModel.from_pretrained(model, source, revision=teacher.revision)
    if missing:
        raise ValueError(
            f"Teacher '{name}' must be trained for the student's task, {task}, but its checkpoint has no weights "
            f"for {sorted(missing)}: they would be random. Fine-tune it for this task first, or use another teacher."
        )
    return model


def check_task(name: str, model: nn.Module, task: Task) -> None:
    """Refuse a model of another task than the student's, and a masked-LM model that only looks back.

    Raises:
        ValueError: It is one of these.
    """
    inner = without_adapters(model)
    try:
        found = task_of(inner)
    except ValueError:
        found = None
    causal = task.over_vocabulary and getattr(inner.config, "is_decoder", False)
    if found != task or causal:
        raise ValueError(_wrong_task(name, type(inner).__name__ + (" set up as a decoder" if causal else ""), task))


def commit_of(teacher: Teacher) -> str | None:
    """Return the commit on the Hub of a teacher that was given by id; None for a folder or a model object."""
    if isinstance(teacher.model, nn.Module):
        return None
    return extract_commit_hash(_file(teacher, "config.json"), None)


def find_tokenizer(
    teacher: Teacher,
    name: str,
    model: nn.Module,
    student: nn.Module,
    student_tokenizer: PreTrainedTokenizerBase | None,
) -> PreTrainedTokenizerBase | None:
    """Return the teacher's tokenizer: the one given, the one beside its weights, or else the student's.

    Args:
        teacher: What was asked for.
        name: What messages call it.
        model: The teacher's model, loaded.
        student: Its number of embeddings decides whether an unknown tokenizer may be the student's.
        student_tokenizer: The student's tokenizer, if it has one.

    Raises:
        ValueError: There is none and the vocabularies differ in size, or it gives ids that the model does not have.
    """
    size = _vocabulary_size(model)
    tokenizer = teacher.tokenizer
    if tokenizer is None or isinstance(tokenizer, str | os.PathLike):
        with _explained(name, "tokenizer"):
            tokenizer = _load_tokenizer(teacher, model)
    if tokenizer is None:
        if size != _vocabulary_size(student):
            raise ValueError(
                f"Teacher '{name}' comes without a tokenizer and has {size} embeddings where the student has "
                f"{_vocabulary_size(student)}, so it cannot read the student's ids. Give its own: "
                "Teacher(model, tokenizer=...)."
            )
        logger.warning(
            "Teacher '%s' comes without a tokenizer: it is taken to read the student's, whose vocabulary has the same "
            "size. If it has its own, pass Teacher(model, tokenizer=...).",
            name,
        )
        return student_tokenizer
    largest = max(tokenizer.get_vocab().values())
    if largest >= size:
        raise ValueError(
            f"Teacher '{name}' must have an embedding for each id of its tokenizer, but the tokenizer goes up to "
            f"{largest} and the model has {size} embeddings: this is another model's tokenizer. Pass the right one as "
            "Teacher(model, tokenizer=...)."
        )
    return tokenizer


@contextmanager
def _explained(name: str, part: str) -> Iterator[None]:
    """Turn whatever the libraries raise into one line that names the teacher."""
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


def _file(teacher: Teacher, name: str) -> str | None:
    """Return where a file of the teacher's folder or repository is on this machine, or None if it has none."""
    return cached_file(teacher.source, name, revision=teacher.revision, _raise_exceptions_for_missing_entries=False)


def _base_of(teacher: Teacher) -> tuple[str, dict[str, Any]]:
    adapter = PeftConfig.from_pretrained(teacher.source, revision=teacher.revision)
    if not adapter.base_model_name_or_path:
        raise ValueError("its adapter_config.json does not name a base model")
    return adapter.base_model_name_or_path, {**teacher.remote, "revision": adapter.revision}


def _adapter_config(teacher: Teacher, base: PretrainedConfig, student: PretrainedConfig) -> PretrainedConfig:
    """Return the configuration with an adapter's labels, which PEFT does not save: its own file, or the base model's.

    A base model that was never told its labels gets the student's number of them.
    """
    if _file(teacher, "config.json"):
        return AutoConfig.from_pretrained(teacher.source, **teacher.remote)
    if not has_names(base):
        base.num_labels = student.num_labels or 0
    return base


def _refuse_other_head(name: str, config: PretrainedConfig, task: Task) -> None:
    """Refuse a checkpoint by the class it was saved from: another task's classifier may fit in shape."""
    accepted = (task.class_suffix, *(("ForPreTraining",) if task.over_vocabulary else ()))
    heads = [saved for saved in config.architectures or () if re.search(r"For[A-Z]\w*$|LMHead", saved)]
    if heads and not any(saved.endswith(accepted) for saved in heads):
        raise ValueError(_wrong_task(name, heads[0], task))


def _wrong_task(name: str, found: str, task: Task) -> str:
    return (
        f"Teacher '{name}' must have a head for {task}, but it is {found}: it answers another question. Use a model "
        f"whose class ends in {task.class_suffix}, fine-tuned for the task."
    )


def _load_tokenizer(teacher: Teacher, model: nn.Module) -> PreTrainedTokenizerBase | None:
    """Load the tokenizer from where the teacher says, from beside it, or from beside an adapter's base model."""
    if teacher.tokenizer is not None:
        return AutoTokenizer.from_pretrained(teacher.tokenizer, trust_remote_code=teacher.trust_remote_code)
    beside_base = without_adapters(model).config.name_or_path
    for source, remote in ((teacher.source, teacher.remote), (beside_base, {})):
        try:
            tokenizer = AutoTokenizer.from_pretrained(source, **remote) if source else None
        except (OSError, ValueError) as error:
            logger.info("No tokenizer at '%s': %s", source, error)
            continue
        if tokenizer is not None and len(tokenizer) >= FEWEST_ENTRIES:
            return tokenizer
    return None


def _vocabulary_size(model: nn.Module) -> int:
    return cast(torch.Tensor, without_adapters(model).get_input_embeddings().weight).shape[0]
