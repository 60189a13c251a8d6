"""How fast student and teachers are, side by side on one batch of text."""

import logging
from collections.abc import Callable, Mapping, Sequence

from torch import Tensor, nn

from ..models.row_forward import RowForward
from ..report.benchmark import latencies, peak_megabytes
from ..teachers.ensemble import TeacherEnsemble

logger = logging.getLogger(__name__)
Speeds = list[dict[str, float]]


def or_nothing(measure: Callable[[], Speeds]) -> Speeds:
    """Return what was measured; where that fails, nothing and a line of the log: it comes behind a whole training."""
    try:
        return measure()
    except Exception as error:
        logger.warning("The card tells no speed: it could not be measured (%s: %s).", type(error).__name__, error)
        return []


def speeds(
    student: nn.Module, forward: RowForward, teachers: TeacherEnsemble, read: Sequence[Mapping[str, Tensor]]
) -> Speeds:
    """Measure latency and peak memory, the models taking turns.

    A teacher that runs on another device than the student, or is brought there for each forward, cannot be compared.

    Args:
        student: The model.
        forward: Knows what it takes.
        teachers: The teachers; one that is asleep is loaded.
        read: What the student and each teacher read: the same texts, as the tokenizer of each gives them.

    Returns:
        `latency_ms`, `latency_ratio` (student = 1) and `memory_mb` of the student and of each teacher, as far as they
        can be told.
    """
    models, forwards = {"0": student}, {"0": forward}
    for number, teacher in enumerate(teachers, start=1):
        placement = teacher.placement
        if placement.runs_on == placement.answers_on and not placement.in_turn:
            models[str(number)], forwards[str(number)] = teacher.wake(), teacher.row_forward

    inputs = {key: _taken(read[int(key)], each) for key, each in forwards.items()}
    seconds = latencies(models, inputs)

    figures: Speeds = [{} for _ in read]
    for key, model in models.items():
        figures[int(key)] = _figures(seconds[key], seconds["0"], peak_megabytes(model, inputs[key]))
    return figures


def _taken(read: Mapping[str, Tensor], forward: RowForward) -> dict[str, Tensor]:
    """Leave out what a model does not take."""
    return {name: value for name, value in read.items() if name in forward.limits.inputs}


def _figures(seconds: float, of_student: float, memory: float | str) -> dict[str, float]:
    """Name what was measured; a student faster than the clock has no ratio, and memory is not told everywhere."""
    figures = {"latency_ms": 1000 * seconds}
    if of_student:
        figures["latency_ratio"] = seconds / of_student
    if not isinstance(memory, str):
        figures["memory_mb"] = memory

    return figures
