"""The three figures on top of a card: what quality the student keeps, how fast it is, and how small."""

from collections.abc import Iterable, Iterator, Mapping

from .card_data import DistillationCardData, Evaluation
from .markdown_text import plain
from .tables import Figure

LOWER_IS_BETTER = ("loss", "perplexity", "mse", "mae")


def summary(data: DistillationCardData) -> dict[str, str]:
    """Compare the student with its teachers in three figures; what was not measured is left out.

    Args:
        data: What was measured, the teachers under the names that they have in the manifest.

    Returns:
        `Quality kept`, `Speed`, `Size` -> the figure with what it is compared to, in Markdown.
    """
    figures = {"Quality kept": quality_kept(data), "Speed": speed(data), "Size": size(data)}
    return {heading: figure for heading, figure in figures.items() if figure}


def quality_kept(data: DistillationCardData) -> str:
    """Return the student's main measure in percent of the best teacher's; empty where there is no such percentage.

    The main measure is the task's, else `metric_for_best_model`, else the first that is better when higher. Where
    no teacher has more than 0 of it, no other measure of the same data takes its place.
    """
    for evaluation, measure in _main_of_each(measures_in_order(data)):
        student = evaluation.figures.get(data.name, {}).get(measure)
        teachers = _of_teachers(data, {name: row.get(measure) for name, row in evaluation.figures.items()})
        if not teachers or not isinstance(student, int | float) or not student >= 0:
            continue

        best = max(teachers, key=lambda name: teachers[name])
        place = f" on {plain(evaluation.dataset)}" if len(data.evaluations) > 1 else ""
        kept = f"{100 * student / teachers[best]:.1f} % of the {plain(measure)}"
        return f"{kept} of {_introduced(data, best, 'best')}{place}"

    return ""


def _main_of_each(measures: Iterable[tuple[Evaluation, str]]) -> Iterator[tuple[Evaluation, str]]:
    """Yield the first measure of every evaluation."""
    seen: list[Evaluation] = []
    for evaluation, measure in measures:
        if not any(evaluation is each for each in seen):
            seen.append(evaluation)
            yield evaluation, measure


def speed(data: DistillationCardData) -> str:
    """Return how many times as fast as each teacher the student is; empty where that was not measured."""
    student = data.sizes.get(data.name, {}).get("latency_ms")
    teachers = _of_teachers(data, _column(data, "latency_ms"))
    if not teachers or not isinstance(student, int | float) or student <= 0:
        return ""

    slower: dict[str, list[str]] = {}
    for name, latency in teachers.items():
        slower.setdefault(f"{latency / student:.2g}", []).append(plain(name))

    times = sorted(slower, key=float)
    return ", ".join(
        f"{'' if each == '1' else f'{each} times '}as fast as {' and '.join(slower[each])}" for each in times
    )


def size(data: DistillationCardData) -> str:
    """Return how many percent of the parameters of the largest teacher the student lacks."""
    student = data.sizes.get(data.name, {}).get("parameters")
    teachers = _of_teachers(data, _column(data, "parameters"))
    if not teachers or not isinstance(student, int | float):
        return ""

    largest = max(teachers, key=lambda name: teachers[name])
    percent = round(100 * (student / teachers[largest] - 1))
    than = f"{abs(percent)} % {'smaller' if percent < 0 else 'larger'} than" if percent else "as large as"
    alike = len(teachers) > 1 and len({*teachers.values()}) == 1
    return f"{than} {'its teachers' if alike else _introduced(data, largest, 'largest')}"


def lower_is_better(measure: str) -> bool:
    """Whether a measure is an error."""
    return measure.lower() in LOWER_IS_BETTER


def measures_in_order(data: DistillationCardData) -> Iterator[tuple[Evaluation, str]]:
    """Yield the measures that are better when higher: the task's own, or what chose the best checkpoint, first."""
    chosen_by = "" if data.arguments.get("greater_is_better") is False else data.arguments.get("metric_for_best_model")
    wanted = data.metric or str(chosen_by or "").removeprefix("eval_")

    found = [
        (evaluation, measure)
        for evaluation in data.evaluations
        for measure in evaluation.figures.get(data.name, {})
        if not lower_is_better(measure)
    ]
    yield from sorted(found, key=lambda each: each[1] != wanted)


def _introduced(data: DistillationCardData, name: str, what: str) -> str:
    """Name a teacher, and say which of several it is: quality is beside the best of them, and size the largest."""
    return plain(name) if len(data.teachers) == 1 else f"{plain(name)}, the {what} teacher"


def _column(data: DistillationCardData, measure: str) -> dict[str, Figure]:
    return {name: row.get(measure) for name, row in data.sizes.items()}


def _of_teachers(data: DistillationCardData, figures: Mapping[str, Figure]) -> dict[str, float]:
    """Return the teachers' figures, as far as one can divide by them."""
    names = {teacher["name"] for teacher in data.teachers}
    return {
        name: value
        for name, value in figures.items()
        if name in names and isinstance(value, int | float) and value > 0
    }
