"""The tables of the page: one function each, from what an ablation has written to Markdown."""

from collections.abc import Callable, Mapping, Sequence
from math import hypot
from statistics import mean
from typing import Any

from hf_multiteacher.report.tables import format_figure, table
from hf_multiteacher.romanian.reference import REFERENCE
from hf_multiteacher.romanian.tasks import DEFINITIONS

SHOWN = (
    "ahead",
    "at_a_glance",
    "better_student",
    "better_teacher",
    "by_seed",
    "compared",
    "demo_table",
    "gain",
    "gain_in",
    "gain_over",
    "gains",
    "kept",
    "loyalty",
    "over",
    "partial_seeds",
    "partial_table",
    "published",
    "quality",
    "reference",
    "reference_of",
    "seeds_by_task",
    "seeds_of",
    "speed_table",
    "steps",
    "student",
    "students_table",
    "teacher",
    "teachers_steps",
    "uncovered_table",
    "verdict",
    "with_tasks_of",
    "without",
    "won",
)
"""What the template may call."""
Ablation = Mapping[str, Any]
Task = Mapping[str, Any]
Choice = Callable[[Task], str]
ENSEMBLE = "ensemble"
MAIN_LOYALTY = ("label_loyalty", "regression_loyalty")
OF_THE_REFERENCE = {"value": 0.0, "standard_error": 0.0, "interval": (0.0, 0.0)}
"""What the reference of a task gains over itself."""


def quality(ablation: Ablation) -> str:
    """The main figure of every arm and teacher in every task, and the mean over the tasks."""
    rows = []
    for name in _arms(ablation):
        overall = _mean(ablation, lambda task, name=name: task["arms"][name]["mean"])
        cells = _row(ablation, lambda task, name=name: _mean_and_deviation(task, name))
        rows.append([name, *cells, *_of_all(ablation, percent(overall))])
    ensembles: dict[tuple[float | None, ...], str] = {}  # arms that follow the same have one row
    for name in _arms(ablation):
        figures = tuple(_ensemble(task, name) for task in _tasks(ablation))
        if None not in figures:
            ensembles.setdefault(figures, name)
    for name in (each for each in _teachers(ablation) if each != ENSEMBLE or not ensembles):
        overall = _mean(ablation, lambda task, name=name: task["teachers"][name]["figure"])
        cells = _row(ablation, lambda task, name=name: percent(task["teachers"].get(name, {}).get("figure")))
        rows.append([_titled(name), *cells, *_of_all(ablation, percent(overall))])
    for name in ensembles.values():
        overall = _mean(ablation, lambda task, name=name: _ensemble(task, name))
        cells = _row(ablation, lambda task, name=name: percent(_ensemble(task, name)))
        rows.append([f"ensemble of {name}", *cells, *_of_all(ablation, percent(overall))])
    return table(["", *_titles(ablation), *_of_all(ablation, "mean")], rows)


def gains(ablation: Ablation) -> str:
    """What every arm gains over the better arm with one teacher, with intervals, and on the mean."""
    rows = []
    for name in _arms(ablation):
        cells = _row(ablation, lambda task, name=name: _gain(task["arms"].get(name, {}).get("gain")))
        overall = mean_gain(ablation, name)
        rows.append([name, *cells, *_of_all(ablation, _gain(overall))])
    return table(["", *ablation["tasks"], *_of_all(ablation, "mean")], rows)


def at_a_glance(students: Mapping[str, Ablation], both: str, as_they_come: str) -> str:
    """What each kind of student gains over those of one teacher, on the mean of its tasks; bold where 0 is left out.

    Args:
        students: Title -> ablation of two teachers.
        both: The arm of two teachers that is asked about.
        as_they_come: Another one.
    """
    rows = {
        f"two, calibrated: over the teacher {title}": _each(
            students, lambda each, of=of: _gain_and_tasks(each, both, of)
        )
        for title, of in WAYS.items()
    }
    rows |= {
        "two as they come: over the first of these": _each(students, lambda each: _gain_and_tasks(each, as_they_come)),
        "the other teacher alone: over the first of these": _each(students, other_teacher),
        "no teacher: over the first of these": _each(students, lambda each: _gain_and_tasks(each, "alone")),
        "two, calibrated: share of the better teacher's figure": _each(students, lambda each: f"{kept(each, both)} %"),
        "two, calibrated: more loyal to each than they are to each other": _each(
            students, lambda each: f"{len(loyal_to_each(each, both))} of {len(each['tasks'])} tasks"
        ),
    }
    return table(["", *students], [[title, *cells] for title, cells in rows.items()])


def _each(students: Mapping[str, Ablation], cell: Callable[[Ablation], str]) -> list[str]:
    return [cell(each) for each in students.values()]


def loyalty(ablation: Ablation, measure: str) -> str:
    """One measure of loyalty of every arm to every teacher, and of the teachers to each other."""
    teachers = [name for name in _teachers(ablation) if name != ENSEMBLE]
    rows = [
        [name, *_row(ablation, lambda task, name=name: _loyalties(task["arms"].get(name), teachers, measure))]
        for name in _arms(ablation)
    ]
    if measure != "probability_loyalty":
        rows.append(["the teachers", *_row(ablation, lambda task: _between(task, teachers, measure))])

    has = [place for place in range(1, len(rows[0])) if any(row[place] for row in rows)]
    titles = [*ablation["tasks"]]
    header = [f"{titles[place - 1]}: {', '.join(teachers)}" for place in has]
    return table(["", *header], [[row[0], *(row[place] for place in has)] for row in rows])


def published(ablation: Ablation) -> str:
    """The published values of the same tasks."""
    keys = [key for key in DEFINITIONS if key in ablation["tasks"]]
    rows = [[model, *(f"{values[key]:.2f}" for key in keys)] for model, values in REFERENCE.items()]
    return table(["", *keys], rows)


# ---- Which of two single teachers is the better one ----


def reference(task: Task) -> str:
    """The arm that the others are compared with: the better one on the examples of the other half."""
    return task["reference"]


def better_teacher(task: Task) -> str:
    """The arm of the teacher with the better figure of its own, which is called as the teacher is."""
    own = {name: row["figure"] for name, row in task["teachers"].items() if name != ENSEMBLE}
    return max(own, key=own.__getitem__)


def better_student(task: Task) -> str:
    """The better arm of one teacher on the very examples that are compared, where it looks better than it is."""
    students = {name: task["arms"][name]["mean"] for name in task["teachers"] if name != ENSEMBLE}
    return max(students, key=students.__getitem__)


WAYS: dict[str, Choice] = {
    "whose student is better on the other half": reference,
    "with the better figures of its own": better_teacher,
    "whose student is better on the compared half itself": better_student,
}
"""Which single teacher two are compared with."""


# ---- Single figures, for the text ----


def percent(value: float | None, digits: int = 2) -> str:
    """A share in percent; nothing where there is none."""
    return "" if value is None else f"{100 * value:.{digits}f}"


def gain(ablation: Ablation, arm: str, of: Choice = reference) -> str:
    """What an arm gains on the mean, with its interval."""
    return _gain(mean_gain(ablation, arm, of))


def gain_in(ablation: Ablation, task: str, arm: str) -> str:
    """What an arm gains in one task, in points, with its interval."""
    return _gain(ablation["tasks"][task]["arms"][arm]["gain"])


def gain_over(ablation: Ablation, task: str, arm: str, of: Choice) -> str:
    """What an arm gains in one task over another, in points, with its interval."""
    found = ablation["tasks"][task]
    return _gain(_gain_over(found, arm, of(found)))


def student(ablation: Ablation, task: str, arm: str) -> str:
    """An arm's own figure in one task, in percent."""
    return percent(ablation["tasks"][task]["arms"][arm]["mean"], 1)


def teacher(ablation: Ablation, task: str, name: str) -> str:
    """A teacher's own figure in one task, in percent."""
    return percent(ablation["tasks"][task]["teachers"][name]["figure"], 1)


def steps(ablation: Ablation) -> str:
    """How long students are trained, and where a task says otherwise."""
    return _steps(ablation["shared"], ablation["keys_of_tasks"])


def teachers_steps(ablation: Ablation) -> str:
    """How long teachers are fine-tuned, likewise."""
    own = {task: (keys or {}).get("fine_tuning", {}) for task, keys in ablation["keys_of_tasks"].items()}
    return _steps(ablation["fine_tuning"], own)


def _steps(shared: Mapping[str, Any], own: Mapping[str, Mapping[str, Any]]) -> str:
    others = [f"`{task}` {keys['max_steps']}" for task, keys in own.items() if "max_steps" in (keys or {})]
    otherwise = f" ({', '.join(others)})" if others else ""
    return f"{shared['max_steps']} steps{otherwise} of {shared['per_device_train_batch_size']} examples"


def mean_gain(ablation: Ablation, arm: str, of: Choice = reference) -> Mapping[str, Any] | None:
    """What an arm gains on the mean over the tasks, taken as independent; None for the reference of all.

    The interval of several is 1.96 standard errors to each side; the reference of a task gains nothing there.

    Args:
        ablation: The figures.
        arm: The arm.
        of: Task -> the arm that it is compared with.
    """
    found = [_gain_over(task, arm, of(task)) for task in _tasks(ablation)]
    return _over_tasks([row or OF_THE_REFERENCE for row in found]) if any(found) else None


def _gain_over(task: Task, arm: str, other: str) -> Mapping[str, Any] | None:
    if arm == other:
        return None
    row = task["arms"][arm]
    return row["gain"] if other == task["reference"] else row["gains"][other]


def other_teacher(ablation: Ablation) -> str:
    """What the student of the other one of two teachers gains over the reference, on the mean."""
    found = []
    for task in _tasks(ablation):
        (other,) = {*ablation["teachers"]} - {task["reference"]}
        found.append(task["arms"][other]["gain"])
    return _bold(_over_tasks(found))


def _over_tasks(each: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The mean of the gains in tasks that were drawn one by one."""
    if len(each) == 1:
        return each[0]
    value, error = mean(row["value"] for row in each), hypot(*(row["standard_error"] for row in each)) / len(each)
    return {"value": value, "standard_error": error, "interval": (value - 1.96 * error, value + 1.96 * error)}


def seeds_of(ablation: Ablation) -> list[str]:
    """The seeds of which there is a figure."""
    arms = [arm for task in _tasks(ablation) for arm in task["arms"].values()]
    return sorted({seed for arm in arms for seed in arm["seeds"]}, key=int)


def seeds_by_task(ablation: Ablation) -> str:
    """The tasks, each with its seeds."""
    found = {name: seeds_of({"tasks": {name: task}}) for name, task in ablation["tasks"].items()}
    return ", ".join(
        f"`{name}` ({'seed' if len(each) == 1 else 'seeds'} {', '.join(each)})" for name, each in found.items()
    )


def compared(ablation: Ablation) -> str:
    """How many examples are compared in each task."""
    return ", ".join(f"{task['compared']} in `{name}`" for name, task in ablation["tasks"].items())


def by_seed(ablation: Ablation, task: str, arm: str) -> str:
    """An arm's figure with each seed, in percent."""
    return ", ".join(percent(each, 1) for each in ablation["tasks"][task]["arms"][arm]["seeds"].values())


def without(ablation: Ablation, task: str) -> Ablation:
    """An ablation without one of its tasks."""
    return {**ablation, "tasks": {name: found for name, found in ablation["tasks"].items() if name != task}}


def with_tasks_of(ablation: Ablation, other: Ablation) -> Ablation:
    """An ablation in which some tasks are those of another."""
    return {**ablation, "tasks": {**ablation["tasks"], **other["tasks"]}}


def verdict(ablation: Ablation, arm: str, of: Choice = reference) -> str:
    """What the interval of an arm's mean gain proves."""
    low, high = mean_gain(ablation, arm, of)["interval"]
    if low > 0:
        return "better."
    return "worse." if high < 0 else "not proven either way."


def over(ablation: Ablation, arm: str, other: str) -> str:
    """How much better an arm is than another, in points: the mean over the tasks."""
    both = [(task["arms"][arm]["mean"], task["arms"][other]["mean"]) for task in _tasks(ablation)]
    return f"{100 * mean(one - another for one, another in both):+.2f}"


def won(ablation: Ablation, arm: str, of: Choice = reference) -> tuple[int, int]:
    """In how many of how many tasks an arm is better than the reference, or another."""
    arms = [(task["arms"][arm]["mean"], task["arms"][of(task)]["mean"]) for task in _tasks(ablation)]
    return sum(one > another for one, another in arms), len(arms)


def ahead(ablation: Ablation, arm: str, others: Sequence[str]) -> list[str]:
    """The tasks in which an arm is better than all of some others."""
    arms = {name: task["arms"] for name, task in ablation["tasks"].items()}
    return [name for name, each in arms.items() if each[arm]["mean"] > max(each[other]["mean"] for other in others)]


def loyal_to_each(ablation: Ablation, arm: str) -> list[str]:
    """The tasks in which an arm is more loyal to each teacher than the teachers are to each other."""
    found = []
    for name, task in ablation["tasks"].items():
        rows = task["arms"][arm]["loyalty"]
        measure = next(each for each in MAIN_LOYALTY if all(each in row for row in rows.values()))
        between = {one: row["loyalty"] for one, row in task["teachers"].items() if one != ENSEMBLE}
        pairs = [(rows[one][measure], figure) for one, row in between.items() for figure in row.values()]
        if all(own > figure for own, figure in pairs):
            found.append(name)
    return found


def kept(ablation: Ablation, arm: str) -> str:
    """What share of the better teacher's figure an arm keeps: the mean over the tasks."""
    shares = [
        task["arms"][arm]["mean"] / task["teachers"][better_teacher(task)]["figure"] for task in _tasks(ablation)
    ]
    return f"{100 * mean(shares):.1f}"


def reference_of(ablation: Ablation, of: Choice = reference) -> str:
    """Which arm of one teacher is compared with, task by task."""
    return ", ".join(f"{name} {of(task)}" for name, task in ablation["tasks"].items())


def drawn(ablation: Ablation) -> dict[str, dict[str, tuple[float, tuple[float, float]]]]:
    """What the chart shows: panel -> arm -> gain and interval, in points."""
    panels = {
        f"{name} ({task['reference']})": {
            arm: _points(row["gain"]) for arm, row in task["arms"].items() if row["gain"] is not None
        }
        for name, task in ablation["tasks"].items()
    }
    if len(panels) == 1:
        return panels
    overall = {arm: mean_gain(ablation, arm) for arm in _arms(ablation)}
    return panels | {"mean": {arm: _points(each) for arm, each in overall.items() if each}}


# ---- Parts ----


def _points(each: Mapping[str, Any]) -> tuple[float, tuple[float, float]]:
    low, high = each["interval"]
    return 100 * each["value"], (100 * low, 100 * high)


def _arms(ablation: Ablation) -> list[str]:
    return [*dict.fromkeys(name for task in _tasks(ablation) for name in task["arms"])]


def _teachers(ablation: Ablation) -> list[str]:
    return [*dict.fromkeys(name for task in _tasks(ablation) for name in task["teachers"])]


def _titles(ablation: Ablation) -> list[str]:
    return [f"{name} {task['metric'].replace('_', ' ')}" for name, task in ablation["tasks"].items()]


def _ensemble(task: Task, arm: str) -> float | None:
    """What the teachers of an arm say together, as it weighs them; None where they are fewer than two."""
    return task["arms"].get(arm, {}).get("ensemble")


def _titled(name: str) -> str:
    return name if name == ENSEMBLE else f"teacher {name}"


def _of_all(ablation: Ablation, cell: str) -> list[str]:
    """A cell of the column for the mean of all tasks, which is there where there are several."""
    return [cell] if len(ablation["tasks"]) > 1 else []


def _row(ablation: Ablation, cell: Callable[[Mapping[str, Any]], str]) -> list[str]:
    return [cell(task) for task in _tasks(ablation)]


def _mean(ablation: Ablation, figure: Callable[[Mapping[str, Any]], float]) -> float | None:
    try:
        return mean(figure(task) for task in _tasks(ablation))
    except KeyError:
        return None


def _mean_and_deviation(task: Mapping[str, Any], name: str) -> str:
    arm = task["arms"].get(name)
    if arm is None:
        return ""
    spread = "" if arm["deviation"] is None else f" ± {percent(arm['deviation'])}"
    return f"{percent(arm['mean'])}{spread}"


def _gain_and_tasks(ablation: Ablation, arm: str, of: Choice = reference) -> str:
    better, tasks = won(ablation, arm, of)
    return f"{_bold(mean_gain(ablation, arm, of))}, better in {better} of {tasks}"


def _bold(each: Mapping[str, Any] | None) -> str:
    low, high = (each or OF_THE_REFERENCE)["interval"]
    return _gain(each) if low <= 0 <= high else f"**{_gain(each)}**"


def _tasks(ablation: Ablation) -> list[Task]:
    return [*ablation["tasks"].values()]


def _gain(each: Mapping[str, Any] | None) -> str:
    if each is None:
        return "reference"
    low, high = each["interval"]
    return f"{100 * each['value']:+.2f} ({100 * low:+.2f} to {100 * high:+.2f})"


def _loyalties(arm: Mapping[str, Any] | None, teachers: list[str], measure: str) -> str:
    loyalty = {} if arm is None else arm["loyalty"]
    found = [percent(loyalty.get(teacher, {}).get(measure), 1) for teacher in teachers]
    return ", ".join(found) if all(found) else ""


def _between(task: Mapping[str, Any], teachers: list[str], measure: str) -> str:
    regression = any("regression_loyalty" in row for arm in task["arms"].values() for row in arm["loyalty"].values())
    if regression != (measure == "regression_loyalty"):
        return ""
    first, second = teachers[:2]
    return percent(task["teachers"][first]["loyalty"][second], 1)


# ---- Runs without an ablation ----


def demo_table(demo: Mapping[str, Any]) -> str:
    """The demo: of every seed the student with teachers and alone."""
    measures = ("masked_lm_loss", "xpos_accuracy", "dialect_accuracy")
    titles = [f"{name.replace('_', ' ')}, {who}" for name in measures for who in ("student", "alone")]
    rows = [
        [seed, *(f"{figure:.4f}" for name in measures for figure in row[name]), f"{row['speed']:.2f}"]
        for seed, row in demo["seeds"].items()
    ]
    return table(["seed", *titles, "speed, first teacher = 1"], rows)


def students_table(measured: Mapping[str, Any]) -> str:
    """Masked-LM students: their loss with the masked words, and label and probability loyalty to every teacher."""
    measures = ("label_loyalty", "probability_loyalty")
    titles = [f"{name.replace('_', ' ')}: {', '.join(measured['teachers'])}" for name in measures]
    rows = [
        [name, f"{row['loss']:.3f}", *(_loyalties(row, [*measured["teachers"]], each) for each in measures)]
        for name, row in measured["students"].items()
    ]
    rows += [[_titled(name), f"{loss:.3f}", "", ""] for name, loss in measured["teachers"].items()]
    return table(["", "masked-LM loss", *titles], rows)


def uncovered_table(measured: Mapping[str, Any]) -> str:
    """Masked-LM students: accuracy and loss on the tokens of which a teacher says something, and on the others."""
    parts = next(iter(measured.values()))
    titles = [f"{part} ({row['tokens']:,}): {name}" for part, row in parts.items() for name in ("accuracy", "loss")]
    rows = [
        [name, *(cell for part in parts for cell in (percent(row[part]["accuracy"], 1), f"{row[part]['loss']:.3f}"))]
        for name, row in measured.items()
    ]
    return table(["", *titles], rows)


def partial_seeds(measured: Mapping[str, Any]) -> str:
    """The seeds of the students of `partial_table`."""
    return ", ".join(next(iter(measured["students"].values())))


def partial_table(measured: Mapping[str, Any]) -> str:
    """Teachers that know a part, and students: over everything and over each part, the mean over the seeds."""
    rows = {name: [row] for name, row in measured["teachers"].items()}
    rows |= {name: [*seeds.values()] for name, seeds in measured["students"].items()}
    parts = [*next(iter(rows.values()))[0]]
    cells = [[name, *(percent(mean(row[part] for row in seeds), 1) for part in parts)] for name, seeds in rows.items()]
    return table(["", *parts], cells)


def speed_table(sizes: Mapping[str, Any]) -> str:
    """Parameters, file and latency of the encoders, and how much faster and smaller each is than the first."""
    (named, largest), *_ = sizes["models"].items()
    rows = []
    for name, row in sizes["models"].items():
        figures = [format_figure(row[key]) for key in ("parameters", "megabytes", "latency_ms")]
        smaller = percent(1 - row["parameters"] / largest["parameters"], 0)
        rows.append([name, *figures, f"{largest['latency_ms'] / row['latency_ms']:.2f}", smaller])
    return table(["", "parameters", "MB", "ms", f"times as fast as {named}", f"% smaller than {named}"], rows)
