"""Load a teacher's model from the Hub or a folder, and refuse what has no trained head for the task."""

from pathlib import Path
from typing import Any

import torch
from peft import PeftConfig, PeftModel
from peft.utils import load_peft_weights
from torch import nn
from transformers import PretrainedConfig
from transformers.utils import cached_file
from transformers.utils.hub import extract_commit_hash

from ..models.labels import has_names
from ..models.loading import explained, first_names, heads_of, load_config, load_with_report
from ..models.task import Task, task_of, without_adapters
from .fingerprint import file_fingerprint
from .teacher import Teacher


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
    owner = f"Teacher '{name}'"
    with explained(owner, "configuration"):
        is_adapter = _file(teacher, "adapter_config.json") is not None
        base, base_remote = _base_of(teacher) if is_adapter else (source, teacher.remote)
        config = load_config(base, **base_remote)
        if is_adapter:
            config = _adapter_config(teacher, config, student_config)

    if not is_adapter:
        _refuse_other_head(name, config, task)

    with explained(owner, "weights"):
        model, missing = load_with_report(task.auto_class, base, config=config, dtype=dtype, **base_remote)

        if is_adapter:
            saved = load_peft_weights(source, device="cpu", revision=teacher.revision)
            missing -= {key.removeprefix("base_model.model.") for key in saved}
            model = PeftModel.from_pretrained(model, source, revision=teacher.revision)

    if missing:
        raise ValueError(
            f"Teacher '{name}' must be trained for {task}, but its checkpoint has no weights "
            f"for {first_names(missing)}: they would be random, as those in the file are missing or of another size. "
            "Fine-tune it for this task first, or use another teacher."
        )
    return model


def outline(teacher: Teacher, name: str, task: Task) -> nn.Module | None:
    """Make a teacher given by id or path without its weights, on the "meta" device; None of a PEFT adapter.

    Raises:
        ValueError: Its configuration cannot be loaded, or is of another task.
    """
    with explained(f"Teacher '{name}'", "configuration"):
        if _file(teacher, "adapter_config.json") is not None:
            return None
        config = load_config(teacher.source, **teacher.remote)

    _refuse_other_head(name, config, task)
    with torch.random.fork_rng(devices=[]), torch.device("meta"):
        return task.auto_class.from_config(config, trust_remote_code=teacher.trust_remote_code)


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
        what = type(inner).__name__ + (" set up as a decoder" if causal else "")
        raise ValueError(_wrong_task(name, what, task))


def commit_of(teacher: Teacher) -> str | None:
    """Return the commit on the Hub of a teacher that was given by id; None for a folder or a model object."""
    if isinstance(teacher.model, nn.Module):
        return None
    return extract_commit_hash(_file(teacher, "config.json"), None)


def weights_on_disk(teacher: Teacher) -> str | None:
    """Tell the weights of a teacher given by id or path from others, without loading them.

    Returns:
        The commit on the Hub, or `sha256:...` over its folder's configuration, weights and code.
    """
    if commit := commit_of(teacher):
        return commit
    return file_fingerprint(teacher.source) if Path(teacher.source).is_dir() else None


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
        return load_config(teacher.source, **teacher.remote)
    if not has_names(base):
        base.num_labels = student.num_labels or 0
    return base


def _refuse_other_head(name: str, config: PretrainedConfig, task: Task) -> None:
    """Refuse a checkpoint by the class it was saved from: another task's classifier may fit in shape."""
    accepted = (task.class_suffix, *(("ForPreTraining",) if task.over_vocabulary else ()))
    heads = heads_of(config)
    if heads and not any(saved.endswith(accepted) for saved in heads):
        raise ValueError(_wrong_task(name, heads[0], task))


def _wrong_task(name: str, found: str, task: Task) -> str:
    return (
        f"Teacher '{name}' must have a head for {task}, but it is {found}: it answers another question. Use a model "
        f"whose class ends in {task.class_suffix}, fine-tuned for the task."
    )
