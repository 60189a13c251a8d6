"""What a cache of the teachers' outputs would take, and what it would save."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any

import torch
from torch import Tensor

from ...cache.sizes import bytes_in_words
from ...models.vocabulary_head import can_run_alone
from ...teachers.kept_outputs import EXACT
from ...teachers.loaded_teacher import LoadedTeacher
from ...training_args import DistillationTrainingArguments
from .disk import disk_finding
from .duration import Length
from .finding import Finding, percent

BYTES = {"float16": 2, "float32": 4}
BESIDE = 28
"""Bytes of an entry that are not its values: its key, where it lies, its checksum."""


@dataclass(frozen=True)
class CachePlan:
    """What a cache holds, and when it helps.

    Attributes:
        bytes: Of all outputs.
        gain: The share of a step that the teachers take, which a step with a full cache saves at most.
        helps_from: The epoch from which on it helps in this run; None if in other runs only.
    """

    bytes: float
    gain: float
    helps_from: int | None


def plan_cache(
    per_text: float,
    texts: int,
    length: Length,
    asked: DistillationTrainingArguments,
    gain: float,
    *,
    masks: bool,
    heads: int = 0,
) -> CachePlan:
    """Say what a cache of a whole run would be.

    Args:
        per_text: Bytes of one text's outputs.
        texts: How many there are.
        length: The training's.
        asked: Its arguments.
        gain: The share of a step that the teachers take.
        masks: Whether the texts are masked, so that a teacher answers in every round anew.
        heads: Bytes of the vocabulary heads, which stand beside the outputs.
    """
    epochs = max(ceil(length.epochs), 1)
    rounds = min(asked.mask_rounds or epochs, epochs) if masks else 1
    return CachePlan(per_text * texts * rounds + heads, gain, rounds + 1 if rounds < epochs else None)


def cache_findings(plan: CachePlan, asked: DistillationTrainingArguments, *, masks: bool) -> list[Finding]:
    """Tell what a cache takes and saves, as a warning where it is asked for and does not help.

    Args:
        plan: From `plan_cache`.
        asked: The training's arguments.
        masks: As for `plan_cache`.
    """
    when = f"from epoch {plan.helps_from} on" if plan.helps_from else "in later runs with the same texts"
    saves = f"saves up to {percent(plan.gain)} of a step {when}"
    figures = {"cache_bytes": plan.bytes, "teachers_share_of_step": plan.gain}
    if asked.teacher_cache is None:
        says = f"none; one (teacher_cache) would take {bytes_in_words(plan.bytes)} and {saves}."
        return [Finding("teacher cache", says.replace("saves up", "save up"), figures=figures)]

    useless = masks and plan.helps_from is None
    do = "Give mask_rounds, so that the same masks come again, unless it is for other runs." if useless else ""
    says = f"it takes {bytes_in_words(plan.bytes)} and {saves}."
    room = "Free some, name another folder, leave teacher_cache_dtype at float16, or give fewer mask_rounds."
    return [
        Finding("teacher cache", says, "warning" if useless else "ok", do, figures),
        disk_finding("cache disk", asked.teacher_cache, plan.bytes, room),
    ]


def heads_findings(teachers: Any) -> list[Finding]:
    """Refuse teachers whose outputs cannot be kept: a vocabulary head that cannot be run by itself."""
    return [
        Finding(
            "teacher cache",
            f"the vocabulary head of {teacher.name} ({type(teacher.model).__name__}) cannot be run by itself.",
            "stop",
            "Leave teacher_cache out, or this teacher.",
        )
        for teacher in teachers
        if teacher.task.over_vocabulary and not can_run_alone(teacher.model)
    ]


def bytes_kept(
    teacher: LoadedTeacher, rows: int, spans: int, read: Mapping[str, Tensor], asked: DistillationTrainingArguments
) -> int:
    """Return what a cache keeps of one teacher for one batch.

    Args:
        teacher: The teacher.
        rows: Those that it has.
        spans: Those over which its hidden states are averaged.
        read: What it reads.
        asked: The training's arguments.
    """
    config, task = teacher.config, teacher.task
    width = int((config.hidden_size if task.over_vocabulary else config.num_labels) or 0)
    if task.token_level and not task.over_vocabulary:
        mask = read.get("attention_mask")
        rows = read["input_ids"].numel() if mask is None else int(torch.as_tensor(mask).sum())

    layers = len({*asked.compared_layers.values()})
    each = BYTES[asked.teacher_cache_dtype]
    said = rows * width * (each if task.over_vocabulary else BYTES[EXACT])
    return said + spans * config.hidden_size * layers * each + len(read["input_ids"]) * (1 + layers) * BESIDE
