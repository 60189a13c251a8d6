"""The one way from a configuration to a student."""

from collections.abc import Mapping
from typing import Any

from ..training_args import DistillationTrainingArguments
from .configuration.configuration import DistillationConfig
from .masked_lm_distillation import MaskedLMDistillation
from .run import Distillation
from .task_distillation import TaskDistillation


def plan(config: DistillationConfig, args: DistillationTrainingArguments, given: Mapping[str, Any]) -> Distillation:
    """Choose what is to be done for a configuration; nothing big is loaded yet.

    Args:
        config: What is distilled, from `read_config`.
        args: Likewise, the arguments of the training.
        given: Likewise, the values that the user gave.

    Returns:
        What `prepare`, `train` and `finish` do in turn; a `Progress` with its `stages` is told of them.

    Raises:
        ValueError: A teacher cannot be had, or knows another task.
    """
    kind = MaskedLMDistillation if config.masked_lm else TaskDistillation
    return kind(config, args, given)
