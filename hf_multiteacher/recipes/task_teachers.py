"""The teachers of a task: fine-tuned ones as they are, pretrained ones to be fine-tuned first."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..models.labels import has_names, in_sentence, label_names
from ..models.loading import heads_of, load_config
from ..models.task import SEQUENCE_CLASSIFICATION, TOKEN_CLASSIFICATION
from ..romanian.tasks import DEFINITIONS
from .configuration.configuration import REGRESSION, DistillationConfig
from .configuration.configuration import TOKEN_CLASSIFICATION as TAGGING
from .data.label_inventory import Names
from .pretrained import Pretrained


@dataclass(frozen=True)
class TaskTeacher:
    """A teacher of a task, before it is loaded.

    Attributes:
        model: Where it comes from.
        fine_tune: Whether it learns the task first.
        names: Its labels where it does not, None in regression.
    """

    model: Pretrained
    fine_tune: bool
    names: Names | None = None


def is_tagging(task: str) -> bool:
    """Whether a task gives every word a label."""
    return DEFINITIONS[task].tagging if task in DEFINITIONS else task == TAGGING


def is_regression(task: str) -> bool:
    """Whether a task asks for a number."""
    return DEFINITIONS[task].regression if task in DEFINITIONS else task == REGRESSION


def find_teachers(sources: Sequence[str], config: DistillationConfig) -> list[TaskTeacher]:
    """Find the teachers, and decide which of them are fine-tuned first.

    Args:
        sources: Ids or folders.
        config: The task, and what the user says about it.

    Raises:
        ValueError: There is no such model, or it was not fine-tuned for the task and is not to be.
    """
    return [_find(Pretrained.find(source, "Teacher"), config) for source in sources]


def _find(model: Pretrained, config: DistillationConfig) -> TaskTeacher:
    found = load_config(model.source)
    head = SEQUENCE_CLASSIFICATION if not is_tagging(config.task) else TOKEN_CLASSIFICATION
    saved = next(iter(heads_of(found)), None)
    names = label_names(found, model.owner) if saved else []

    regression = found.problem_type == "regression" or len(names) == 1
    fits = bool(saved and saved.endswith(head.class_suffix)) and regression == is_regression(config.task)
    if config.fine_tune_teachers or (config.fine_tune_teachers is None and not config.own_task and not fits):
        return TaskTeacher(model, fine_tune=True)

    if not fits:
        what = f"a {saved}" + (f" with {len(names)} labels" if saved and saved.endswith(head.class_suffix) else "")
        raise ValueError(
            f"{model.owner} is {what if saved else 'a model without a head'}, not one that was fine-tuned for "
            f"{config.task}, so it has nothing to teach. Give a fine-tuned model, or have this one learn the "
            "task from your data first: fine_tune_teachers: true."
        )
    of_labels = None if is_regression(config.task) else Names(in_sentence(model.owner), names, has_names(found))
    return TaskTeacher(model, fine_tune=False, names=of_labels)
