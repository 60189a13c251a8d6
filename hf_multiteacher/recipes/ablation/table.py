"""An ablation for people: tables of 80 columns for the terminal, the same and more in Markdown."""

from collections.abc import Mapping
from math import isnan

from ...report.tables import format_figure, table
from ...teachers.ensemble import ENSEMBLE
from ..results.figures import fitted
from .intervals import Difference
from .results import ArmResult, TaskResult

MAIN_LOYALTY = ("label_loyalty", "regression_loyalty")
NOTE = (
    "Mean and sample standard deviation over the seeds; gain over the reference, with a 95 % interval over other "
    "examples and other seeds (paired bootstrap). Loyalty: the share of answers that are the teacher's (in regression "
    "the correlation with them); of a teacher, to the other teacher."
)
Rows = list[list[str]]


def terminal_tables(tasks: Mapping[str, TaskResult], gains: Mapping[str, Difference]) -> str:
    """Lay out every task, and the gains over all of them where there are several, in 80 columns."""
    parts = [f"{_title(task, result)}\n\n{fitted(_rows(result), kept=0)}" for task, result in tasks.items()]
    if len(tasks) > 1 and gains:
        parts.append(f"{_title_of_all(tasks)}\n\n{fitted(_rows_of_all(tasks, gains), kept=0)}")
    return "\n\n".join(parts)


def markdown_tables(tasks: Mapping[str, TaskResult], gains: Mapping[str, Difference]) -> str:
    """Lay out the same in Markdown, with sizes and every measure of loyalty."""
    parts = [NOTE]
    for task, result in tasks.items():
        header, *rows = _rows(result)
        parts += [f"## {_title(task, result)}", table(header, rows), _more(result)]
    if len(tasks) > 1 and gains:
        header, *rows = _rows_of_all(tasks, gains)
        parts += [f"## {_title_of_all(tasks)}", table(header, rows)]
    return "\n\n".join(parts) + "\n"


def _title(task: str, result: TaskResult) -> str:
    metric = result.metric.replace("_", " ")
    seeds = sorted({seed for arm in result.arms.values() for seed in arm.figures})
    compared = f"{result.examples} compared{f' (half {result.half})' if result.half else ''}"
    return f"{task}: {metric} on {result.measured_on}, {compared}, seeds {', '.join(map(str, seeds))}"


def _title_of_all(tasks: Mapping[str, TaskResult]) -> str:
    return f"Gain over the reference, mean of {len(tasks)} tasks"


def _rows(result: TaskResult) -> Rows:
    teachers = [name for name in result.teachers if name != ENSEMBLE]
    most = max(len(arm.figures) for arm in result.arms.values())
    rows = [["", "mean", "sd", "gain", "95 %", *(f"loyal {name}" for name in teachers)]]
    for name, arm in result.arms.items():
        gain = ["reference", ""] if arm.gain is None else _gain(arm.gain)
        loyalty = [_figure(_loyalty(arm, teacher)) for teacher in teachers]
        few = f" ({len(arm.figures)} of {most} seeds)" if len(arm.figures) < most else ""
        rows.append([f"{name}{few}", _figure(arm.mean), _figure(arm.deviation), *gain, *loyalty])

    for name, figure in result.teachers.items():
        loyalty = [_figure(result.between.get(name, {}).get(teacher)) for teacher in teachers]
        rows.append([_teacher(name), _figure(figure), "", "", "", *loyalty])
    return rows


def _rows_of_all(tasks: Mapping[str, TaskResult], gains: Mapping[str, Difference]) -> Rows:
    rows = [["", "gain", "95 %", "standard error", "better in"]]
    for name, gain in gains.items():
        better = sum(task.arms[name].gain is not None and _value(task, name) > 0 for task in tasks.values())
        rows.append([name, *_gain(gain), _figure(gain.error), f"{better} of {len(tasks)}"])
    return rows


def _value(task: TaskResult, name: str) -> float:
    gain = task.arms[name].gain
    return 0.0 if gain is None else gain.value


def _more(result: TaskResult) -> str:
    """Lay out sizes, and what the first table has no room for."""
    measures = dict.fromkeys(key for arm in result.arms.values() for row in arm.loyalty.values() for key in row)
    pairs = [(teacher, measure) for teacher in result.teachers for measure in measures]
    titles = [f"{measure.replace('_', ' ')}, {teacher}" for teacher, measure in pairs]

    rows = []
    for name, arm in result.arms.items():
        loyalty = [_figure(arm.loyalty.get(teacher, {}).get(measure)) for teacher, measure in pairs]
        rows.append([name, *_quality(result, arm.quality), *loyalty, *_sizes(arm.sizes)])
    for name, figures in result.teachers_quality.items():
        sizes = _sizes(result.teachers_sizes.get(name, {}))
        rows.append([_teacher(name), *_quality(result, figures), *[""] * len(pairs), *sizes])
    return table(["on all examples", *_qualities(result), *titles, "parameters", "MB"], rows)


def _quality(result: TaskResult, figures: Mapping[str, float]) -> list[str]:
    return [_figure(figures.get(measure)) for measure in _qualities(result)]


def _teacher(name: str) -> str:
    return name if name == ENSEMBLE else f"teacher {name}"


def _qualities(result: TaskResult) -> list[str]:
    return [*next(iter(result.arms.values())).quality]


def _sizes(sizes: Mapping[str, float]) -> list[str]:
    return [format_figure(sizes[name]) if name in sizes else "" for name in ("parameters", "megabytes")]


def _loyalty(arm: ArmResult, teacher: str) -> float | None:
    row = arm.loyalty.get(teacher, {})
    return next((row[measure] for measure in MAIN_LOYALTY if measure in row), None)


def _gain(gain: Difference) -> list[str]:
    low, high = gain.both
    return [f"{gain.value:+.4f}", f"{low:+.4f} to {high:+.4f}"]


def _figure(value: float | None) -> str:
    return "" if value is None or isnan(value) else f"{value:.4f}"
