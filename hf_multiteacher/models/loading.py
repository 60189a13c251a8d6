"""How models are loaded from a folder or the Hub: what is wrong with them is one line that names them."""

import pickle
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

import torch
from torch import nn
from transformers import AutoConfig, PretrainedConfig, PreTrainedModel

from .labels import folded, has_names, label_names, restore_names
from .task import Task

OF_A_TASK = re.compile(r"For\w*(Classification|QuestionAnswering|MultipleChoice)$")
NEW_IN_EVERY_CLASSIFIER = "pooler"  # masked language models and sentence encoders are saved without one


@contextmanager
def explained(owner: str, part: str) -> Iterator[None]:
    """Turn whatever the libraries raise into one line that names the model.

    Args:
        owner: What messages call the model, such as `Teacher 'RoBERT-base'`.
        part: What of it is being loaded.

    Raises:
        ValueError: It could not be loaded.
    """
    try:
        yield
    except Exception as error:
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:500]}"
        if isinstance(error, pickle.UnpicklingError):
            reason = "it is damaged, or pickles more than tensors, which could run code: convert it to safetensors"

        raise ValueError(
            f"{owner}: its {part} cannot be loaded ({reason}). Give a folder or an id that AutoModel and "
            "AutoTokenizer can read."
        ) from error


def load_config(source: str, **remote: Any) -> PretrainedConfig:
    """Load a configuration with the names of its labels, some of which `AutoConfig` forgets."""
    config = AutoConfig.from_pretrained(source, **remote)
    config.name_or_path = source
    restore_names(config)
    return config


def heads_of(config: PretrainedConfig) -> list[str]:
    """Return the classes with a head that a checkpoint was saved from; an encoder alone has none."""
    return [saved for saved in config.architectures or () if saved and re.search(r"For[A-Z]\w*$|LMHead", saved)]


def load_with_report(auto_class: Any, source: str, **settings: Any) -> tuple[nn.Module, set[str]]:
    """Load a model, and tell which of its weights are new: not in the file, or there in another size."""
    model, report = auto_class.from_pretrained(
        source, output_loading_info=True, ignore_mismatched_sizes=True, **settings
    )
    return model, {*report["missing_keys"], *(key for key, *_ in report["mismatched_keys"])}


def load_for_fine_tuning(source: str, owner: str, task: Task, head: Mapping[str, Any]) -> PreTrainedModel:
    """Load an encoder in float32, with a new head or with the one that it has for these very labels.

    Args:
        source: An id on the Hub or a folder.
        owner: What messages call it.
        task: What is to be learned.
        head: What the configuration is to say of the labels.

    Raises:
        ValueError: It cannot be loaded, was fine-tuned for another task or other labels, or is not all there.
    """
    with explained(owner, "configuration"):
        config = load_config(source)
    expect_no_other_task(owner, config, task, head)

    with explained(owner, "weights"):
        model, new = load_with_report(task.auto_class, source, dtype=torch.float32, **head)
    expect_encoder(owner, model, new)
    return cast(PreTrainedModel, model)


def expect_no_other_task(owner: str, config: PretrainedConfig, task: Task, head: Mapping[str, Any]) -> None:
    """Refuse a checkpoint that was fine-tuned for another task or other labels: its head would be lost or misread.

    Args:
        owner: What messages call it.
        config: The checkpoint's.
        task: What is to be learned.
        head: What the configuration is to say of the labels.

    Raises:
        ValueError: It was.
    """
    heads = [saved for saved in heads_of(config) if OF_A_TASK.search(saved)]
    if not heads:
        return

    if not heads[0].endswith(task.class_suffix):
        raise ValueError(
            f"{owner} is to learn {task}, but it is a {heads[0]}, fine-tuned for another task, whose head would be "
            "lost or taken for this one's. Give the pretrained model that it was made from."
        )

    wanted = list(head.get("id2label", {}).values()) or [None]
    found = label_names(config, owner)
    named = wanted != [None] and has_names(config)
    if len(found) != len(wanted) or (named and [*map(folded, found)] != [*map(folded, wanted)]):
        raise ValueError(
            f"{owner} is to learn {_counted(wanted)}, but was fine-tuned for {_counted(found)}: its head would be "
            "misread. Give the pretrained model that it was made from."
        )


def expect_encoder(owner: str, model: nn.Module, new: Collection[str]) -> None:
    """Refuse a model whose encoder is not all in the file, so that a part of it would be random.

    Args:
        owner: What messages call it.
        model: The model.
        new: The names of its new weights.

    Raises:
        ValueError: There are some below its head.
    """
    encoder = f"{getattr(model, 'base_model_prefix', '')}."
    lost = sorted(name for name in new if name.startswith(encoder) and NEW_IN_EVERY_CLASSIFIER not in name)
    if lost:
        raise ValueError(
            f"{owner} has no weights in its file for {first_names(lost)}, or in another size "
            "than its configuration says: they would be random. Give the whole model, as save_pretrained leaves it."
        )


def first_names(weights: Collection[str]) -> str:
    """List the first of some weights, and say how many there are."""
    listed = sorted(weights)
    return f"{', '.join(listed[:3])}{f' and {len(listed) - 3} more' if len(listed) > 3 else ''}"


def _counted(names: list[Any]) -> str:
    if names == [None]:
        return "one number"
    return f"the {len(names)} labels {', '.join(names[:10])}" if len(names) > 1 else "one number"
