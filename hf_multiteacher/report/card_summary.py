"""The three figures on top of a card: what quality the student keeps, how fast it is, and how small."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from .card_data import DistillationCardData, Evaluation
from .markdown_text import plain
from .tables import Figure

LOWER_IS_BETTER = ("loss", "perplexity", "mse", "mae")


class Headline(NamedTuple):
    """A figure that stands for much, such as `99.2 %`, and what it is beside, such as `of the f1 of teacher`."""

    figure: str
    beside: str


def summary(data: DistillationCardData) -> dict[str, str]:
    """Write `headlines` in Markdown."""
    return {heading: f"{each.figure} {plain(each.beside)}" for heading, each in headlines(data).items()}


def headlines(data: DistillationCardData) -> dict[str, Headline]:
    """Compare the student with its teachers in three figures; what was not measured is left out.

    Args:
        data: What was measured, the teachers under the names that they have in the manifest.

    Returns:
        `Quality kept`, `Speed`, `Size` -> the figure with what it is compared to.
    """
    figures = {"Quality kept": quality_kept(data), "Speed": speed(data), "Size": size(data)}
    return {heading: figure for heading, figure in figures.items() if figure is not None}


def quality_kept(data: DistillationCardData) -> Headline | None:
    """Return the student's main measure in percent of the best teacher's; None where one of them is missing.

    One that is better when lower has no such percentage.
    """
    for evaluation, measure in measures_in_order(data):
        student = evaluation.figures.get(data.name, {}).get(measure)
        teachers = _of_teachers(data, {name: row.get(measure) for name, row in evaluation.figures.items()})
        if not teachers or not isinstance(student, int | float) or student <= 0:
            continue

        best = max(teachers, key=lambda name: teachers[name])
        place = f" on {evaluation.dataset}" if len(data.evaluations) > 1 else ""
        return Headline(f"{100 * student / teachers[best]:.1f} %", f"of the {measure} of {best}{place}")

    return None


def speed(data: DistillationCardData) -> Headline | None:
    """Return how many times as fast as its teachers the student is; None where that was not measured."""
    student = data.sizes.get(data.name, {}).get("latency_ms")
    teachers = _of_teachers(data, _column(data, "latency_ms"))
    if not teachers or not isinstance(student, int | float) or student <= 0:
        return None

    times = sorted({f"{latency / student:.2g}" for latency in teachers.values()}, key=float)
    whom = next(iter(teachers)) if len(teachers) == 1 else "its teachers"
    return Headline(f"{' to '.join([times[0], *times[1:][-1:]])} times", f"as fast as {whom}")


def size(data: DistillationCardData) -> Headline | None:
    """Return how many percent of the parameters of the largest teacher the student lacks."""
    student = data.sizes.get(data.name, {}).get("parameters")
    teachers = _of_teachers(data, _column(data, "parameters"))
    if not teachers or not isinstance(student, int | float):
        return None

    largest = max(teachers, key=lambda name: teachers[name])
    percent = round(100 * (student / teachers[largest] - 1))
    if not percent:
        return Headline("as large", f"as {largest}")
    return Headline(f"{abs(percent)} %", f"{'smaller' if percent < 0 else 'larger'} than {largest}")


def lower_is_better(measure: str) -> bool:
    """Whether a measure is an error."""
    return measure.lower() in LOWER_IS_BETTER


def measures_in_order(data: DistillationCardData) -> Iterator[tuple[Evaluation, str]]:
    """Yield the measures that are better when higher: `metric_for_best_model` first, then as they come."""
    wanted = str(data.arguments.get("metric_for_best_model") or "").removeprefix("eval_")
    if data.arguments.get("greater_is_better") is False:
        wanted = ""

    found = [
        (evaluation, measure)
        for evaluation in data.evaluations
        for measure in evaluation.figures.get(data.name, {})
        if not lower_is_better(measure)
    ]
    yield from sorted(found, key=lambda each: each[1] != wanted)


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
