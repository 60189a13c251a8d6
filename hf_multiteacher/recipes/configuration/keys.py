"""Every key of a configuration, explained: what `hf-multiteacher distill --keys` prints."""

from collections.abc import Iterator, Sequence
from dataclasses import MISSING, Field, fields
from textwrap import fill
from typing import Any, get_type_hints

from transformers import TrainingArguments

from ...training_args import DistillationTrainingArguments
from .configuration import DEFAULTS, DistillationConfig
from .declared_values import type_in_words

WIDTH = 80
THAT_MATTER = (
    "num_train_epochs",
    "max_steps",
    "learning_rate",
    "lr_scheduler_type",
    "warmup_steps",
    "per_device_train_batch_size",
    "gradient_accumulation_steps",
    "per_device_eval_batch_size",
    "weight_decay",
    "max_grad_norm",
    "optim",
    "seed",
    "bf16",
    "logging_steps",
    "eval_strategy",
    "save_strategy",
    "save_steps",
    "resume_from_checkpoint",
    "report_to",
    "push_to_hub",
    "hub_model_id",
    "hub_private_repo",
)
"""The arguments of every training that a user is likely to change."""
LIBRARY = TrainingArguments.__name__
NEEDED = {
    "teachers": "Ids on the Hub or folders of the teachers, each with its tokenizer beside it.",
    "output_dir": "A new folder for the student, its card, metrics.json, predictions, charts and config.yaml.",
}
"""Keys without which nothing is distilled -> what they mean here."""


def explain() -> str:
    """Explain every key within 80 columns: name, type, default and a sentence; ours first, the others by name."""
    known = {each.name: each for each in _given(TrainingArguments)}
    own = [each for each in _given(DistillationTrainingArguments) if each.name not in known]
    objective = [each for each in own if each.name not in NEEDED]
    others = sorted({*known} - {*THAT_MATTER, *NEEDED})

    needed = sorted((each for each in own + _given(TrainingArguments) if each.name in NEEDED), key=_place)
    parts = [fill(_INTRODUCTION, WIDTH)]
    parts.append(_explained("what every distillation needs", DistillationTrainingArguments, needed))
    for group, keys in _groups().items():
        parts.append(_explained(group, DistillationConfig, keys))
    parts.append(_explained("how the student follows the teachers", DistillationTrainingArguments, objective))
    named = [known[name] for name in THAT_MATTER]
    parts.append(_explained(f"the training (of transformers.{LIBRARY})", TrainingArguments, named))
    listed = fill(", ".join(others), WIDTH, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)
    parts.append(f"all other keys of transformers.{LIBRARY}, by name\n\n{listed}")
    return "\n\n".join(parts) + "\n"


def _place(key: "Field[Any]") -> int:
    return [*NEEDED].index(key.name)


_INTRODUCTION = (
    "Each key stands in the YAML file as `key: value`, or on the command line as `--key value`, which counts more. A "
    "distillation needs teachers, output_dir and, unless a Romanian task is downloaded, data."
)


def _given(kind: type) -> "list[Field[Any]]":
    return [each for each in fields(kind) if each.init]


def _groups() -> "dict[str, list[Field[Any]]]":
    groups: dict[str, list[Field[Any]]] = {}
    for each in _given(DistillationConfig):
        groups.setdefault(each.metadata["group"], []).append(each)
    return groups


def _explained(title: str, kind: type, keys: "Sequence[Field[Any]]") -> str:
    hints = get_type_hints(kind)
    return "\n\n".join([title, *("\n".join(_lines(each, hints[each.name])) for each in keys)])


def _lines(key: "Field[Any]", hint: Any) -> Iterator[str]:
    default = DEFAULTS.get(key.name, None if key.default is MISSING else key.default)
    stated = "" if default in (None, "") or "Default:" in key.metadata["help"] else f"; default {_written(default)}"
    yield fill(
        f"{key.name}: {type_in_words(key, hint)}{stated}", WIDTH, initial_indent="  ", subsequent_indent="      "
    )
    yield fill(_first_sentences(key), WIDTH, initial_indent="      ", subsequent_indent="      ")


def _written(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(getattr(value, "value", value))


def _first_sentences(key: "Field[Any]") -> str:
    """Return our own help as it is, and of the library's, which is long at times, the first sentence."""
    if key.name in NEEDED:
        return NEEDED[key.name]

    text = " ".join(str(key.metadata["help"]).split())
    if "group" in key.metadata or key.name not in {each.name for each in fields(TrainingArguments)}:
        return text
    return text.partition(". ")[0].rstrip(".") + "."
