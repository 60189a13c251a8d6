"""What the finished cells say together: every arm beside the reference, task by task and over all of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import nan
from statistics import mean, stdev
from typing import Any

import numpy as np

from ...loyalty import label_loyalty, regression_loyalty
from ...teachers.ensemble import ENSEMBLE
from ..results.figures import STUDENT
from .arms import Arm
from .cells import Cell
from .intervals import Difference, Resampled, difference, draw_examples, figure_of, mean_difference, resample

SEED = 0
LOYALTY = {"label_loyalty": label_loyalty, "regression_loyalty": regression_loyalty}


@dataclass(frozen=True)
class ArmResult:
    """One arm of one task.

    Attributes:
        figures: Seed -> the main figure.
        quality: Measure -> mean over the seeds, on all examples.
        loyalty: Teacher, or `ensemble` -> measure -> mean over the seeds, on all examples.
        gain: What it gains over the reference; None for that itself.
        gains: Every other arm with one teacher -> what it gains over that.
        ensemble: The main figure of the teachers together, as it weighs them, on the examples that are compared (where
            they may not speak about all, on those where they may); None where it follows fewer than two.
        sizes: Of the student.
        seconds: Mean of its trainings.
    """

    figures: Mapping[int, float]
    quality: Mapping[str, float]
    loyalty: Mapping[str, Mapping[str, float]]
    gain: Difference | None
    gains: Mapping[str, Difference]
    ensemble: float | None
    sizes: Mapping[str, Any]
    seconds: float

    @property
    def mean(self) -> float:
        """Over the seeds."""
        return mean(self.figures.values())

    @property
    def deviation(self) -> float | None:
        """Sample standard deviation over the seeds; None where there is one."""
        return stdev(self.figures.values()) if len(self.figures) > 1 else None


@dataclass(frozen=True)
class TaskResult:
    """All arms of one task.

    Attributes:
        metric: The main measure.
        measured_on: On what, in words.
        examples: How many examples are compared.
        half: Which half of all they are; None where they are all.
        reference: The arm that the others are compared with.
        arms: Name -> result.
        teachers: Teacher, or `ensemble` -> the main figure, on the same examples.
        teachers_quality: The same -> measure -> figure, on all examples.
        teachers_sizes: Teacher -> parameters, megabytes.
        between: Teacher -> other teacher -> loyalty of the one to the other, on all examples.
    """

    metric: str
    measured_on: str
    examples: int
    half: int | None
    reference: str
    arms: Mapping[str, ArmResult]
    teachers: Mapping[str, float]
    teachers_quality: Mapping[str, Mapping[str, float]]
    teachers_sizes: Mapping[str, Mapping[str, Any]]
    between: Mapping[str, Mapping[str, float]]


def task_result(
    arms: Sequence[Arm], cells: Mapping[str, Mapping[int, Cell]], *, reference: str | None, half: int | None
) -> TaskResult | None:
    """Compare the arms of a task; None where none has a finished cell.

    Args:
        arms: Of the task.
        cells: Arm -> seed -> what is finished.
        reference: The arm that the others are compared with; where it is None, the best of those with one teacher, on
            the examples that are not compared if there are such.
        half: As `Answered.half`.
    """
    finished = {arm.name: cells[arm.name] for arm in arms if cells.get(arm.name)}
    if not finished:
        return None

    whole = _with_all_teachers(arms, finished)
    examples = whole.answered.half(half).examples
    generator = np.random.default_rng(SEED)
    shares = draw_examples(examples, generator)
    figures = {name: _resampled(each, half, shares) for name, each in finished.items()}
    single = [arm.name for arm in arms if len(arm.follows) == 1 and arm.name in finished]
    chosen = reference if reference in finished else _reference(single, finished, half)
    gain = {name: _gain_over(chosen, name, figures, generator) for name in finished}
    others = [name for name in single if name != chosen]
    gains = {name: _gains_over(others, name, figures, generator) for name in finished}
    several = [arm.name for arm in arms if len(arm.follows) > 1 and arm.name in finished]
    ensembles = {name: _teachers_figure(ENSEMBLE, next(iter(finished[name].values())), half) for name in several}

    return TaskResult(
        metric=whole.metric,
        measured_on=whole.measured_on,
        examples=examples,
        half=half,
        reference=chosen,
        arms={
            name: _arm_result(each, whole, figures[name], gain[name], gains[name], ensembles.get(name))
            for name, each in finished.items()
        },
        teachers={name: _teachers_figure(name, whole, half) for name in whole.teachers},
        teachers_quality=whole.teachers,
        teachers_sizes={name: size for name, size in whole.sizes.items() if name != STUDENT},
        between=_between(whole),
    )


def _teachers_figure(name: str, cell: Cell, half: int | None) -> float:
    """Measure a teacher on the examples that are compared; one that may not speak about all, where it may."""
    if name not in cell.answers:
        return cell.teachers.get(name, {}).get(cell.metric, nan)
    try:
        return figure_of(cell.metric, name, cell.answered.half(half))
    except ValueError:  # a correlation of numbers that are all the same
        return nan


def _resampled(cells: Mapping[int, Cell], half: int | None, shares: np.ndarray) -> Resampled:
    answered = {seed: cell.answered.half(half) for seed, cell in cells.items()}
    return resample(next(iter(cells.values())).metric, STUDENT, answered, shares)


def _gain_over(
    reference: str, name: str, figures: Mapping[str, Resampled], generator: np.random.Generator
) -> Difference | None:
    return None if name == reference else difference(figures[name], figures[reference], generator)


def _gains_over(
    references: Sequence[str], name: str, figures: Mapping[str, Resampled], generator: np.random.Generator
) -> dict[str, Difference]:
    gains = {reference: _gain_over(reference, name, figures, generator) for reference in references}
    return {reference: gain for reference, gain in gains.items() if gain is not None}


def mean_gains(tasks: Mapping[str, TaskResult]) -> dict[str, Difference]:
    """Average over the tasks what each arm gains over the reference, where it has a gain in every task or is it there.

    Args:
        tasks: Task -> result.
    """
    gains: dict[str, Difference] = {}
    names = dict.fromkeys(name for task in tasks.values() for name in task.arms)
    for name in names:
        found = [_gain(task, name) for task in tasks.values()]
        known = [each for each in found if each is not None]
        compared = any(name != task.reference for task in tasks.values())
        if compared and len(known) == len(tasks):
            gains[name] = mean_difference(known)
    return gains


def _gain(task: TaskResult, name: str) -> Difference | None:
    arm = task.arms.get(name)
    if name != task.reference:
        return None if arm is None else arm.gain

    others = [each.gain for each in task.arms.values() if each.gain is not None]
    return Difference(0.0, np.zeros_like(others[0].draws)) if others else None


def _reference(single: Sequence[str], cells: Mapping[str, Mapping[int, Cell]], half: int | None) -> str:
    """Choose the best of the arms with one teacher; the first arm where there is none.

    The best on the examples that are compared looks better there than it is, so with halves it is that of the other.
    """
    other = None if half is None else 3 - half
    figures = {
        name: mean(figure_of(cell.metric, STUDENT, cell.answered.half(other)) for cell in cells[name].values())
        for name in single
    }
    return max(figures, key=figures.__getitem__, default=next(iter(cells)))


def _with_all_teachers(arms: Sequence[Arm], cells: Mapping[str, Mapping[int, Cell]]) -> Cell:
    """Return a cell whose ensemble is that of as many teachers as there are."""
    whole = max((arm for arm in arms if arm.name in cells), key=lambda arm: len(arm.follows))
    return next(iter(cells[whole.name].values()))


def _arm_result(
    cells: Mapping[int, Cell],
    whole: Cell,
    figures: Resampled,
    gain: Difference | None,
    gains: Mapping[str, Difference],
    ensemble: float | None,
) -> ArmResult:
    every = [*cells.values()]
    return ArmResult(
        figures=figures.figures,
        quality=_means([cell.quality for cell in every]),
        loyalty=_mean_loyalty([_loyalty(cell, whole) for cell in every]),
        gain=gain,
        gains=gains,
        ensemble=ensemble,
        sizes=every[0].sizes[STUDENT],
        seconds=mean(cell.seconds for cell in every),
    )


def _loyalty(cell: Cell, whole: Cell) -> Mapping[str, Mapping[str, float]]:
    """Return a student's loyalty to each teacher, and to the one ensemble that all arms are compared with.

    That of its own training would be another in each arm: those whom it follows, as it weighs them.
    """
    to_teachers = {name: row for name, row in cell.loyalty.items() if name != ENSEMBLE}
    if ENSEMBLE not in whole.answers:
        return to_teachers

    student, ensemble = cell.answered.answers[STUDENT], whole.answered.answers[ENSEMBLE]
    measured = {measure for row in cell.loyalty.values() for measure in row}  # none where there is no correlation
    figures = {measure: _loyalty_of(measure, student, ensemble) for measure in LOYALTY if measure in measured}
    return {**to_teachers, ENSEMBLE: _known(figures)}


def _mean_loyalty(rows: Sequence[Mapping[str, Mapping[str, float]]]) -> dict[str, dict[str, float]]:
    return {name: _means([row.get(name, {}) for row in rows]) for name in rows[0]}


def _means(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: mean(row[name] for row in rows) for name in rows[0] if all(name in row for row in rows)}


def _between(cell: Cell) -> dict[str, dict[str, float]]:
    """Compare the teachers with one another, on all examples."""
    answered = cell.answered
    measure = "regression_loyalty" if answered.names is None else "label_loyalty"
    answers = {name: answered.answers[name] for name in cell.teachers if name in {*cell.sizes} & {*answered.answers}}
    return {
        one: _known({other: _loyalty_of(measure, answers[one], answers[other]) for other in answers if other != one})
        for one in answers
    }


def _loyalty_of(measure: str, predictions: np.ndarray, references: np.ndarray) -> float | None:
    """Return a loyalty; None where there is none: the correlation with numbers that are all the same."""
    try:
        return float(LOYALTY[measure](predictions, references))
    except ValueError:
        return None


def _known(figures: Mapping[str, float | None]) -> dict[str, float]:
    return {name: figure for name, figure in figures.items() if figure is not None}
