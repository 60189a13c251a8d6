"""The models of one or several runs in one picture: each once, unless it has other figures in another run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..card_sections import measures
from ..card_summary import lower_is_better, measures_in_order
from ..charts import is_drawable
from ..colours import ENSEMBLE
from ..measured_run import MeasuredRun

LATENCY = "latency_ms"
COSTS = {LATENCY: "latency, ms", "parameters": "parameters"}


@dataclass(frozen=True)
class Model:
    """A model of a run.

    Attributes:
        name: What the page calls it.
        owner: Whose look it has.
        figures: Measure, as `measures` calls it, or cost -> figure.
    """

    name: str
    owner: str
    figures: Mapping[str, float]


def models_of(runs: Sequence[MeasuredRun]) -> list[Model]:
    """List the students, then the teachers, then the ensembles, of which there is anything to compare.

    Runs are timed at different moments: of several, latencies are told in those of a teacher that they share.
    """
    students = [Model(run.name, run.name, _figures(run, run.name, runs)) for run in runs]
    names = dict.fromkeys([*(name for run in runs for name in run.teachers), ENSEMBLE])
    others = [model for name in names for model in _other(name, runs)]
    return [model for model in (*students, *others) if model.figures]


def latency_in_words(runs: Sequence[MeasuredRun]) -> dict[str, str]:
    """Say what latencies are told in, where that is not a unit of time."""
    shared = _timed_everywhere(runs)
    return {LATENCY: f"latency, {shared} = 1"} if shared else {}


def _timed_everywhere(runs: Sequence[MeasuredRun]) -> str | None:
    """Return a teacher whose latency every run knows; None of one run alone, or where there is none."""
    if len(runs) < 2:
        return None
    return next((name for name in runs[0].teachers if all(_latency(run, name) for run in runs)), None)


def _latency(run: MeasuredRun, model: str) -> float | None:
    latency = run.card.sizes.get(model, {}).get(LATENCY)
    return latency if isinstance(latency, int | float) and is_drawable(latency) else None


def main_measure(runs: Sequence[MeasuredRun]) -> str | None:
    """Return the measure that counts, as `measures` calls it: that of the first run that has one, or its loss."""
    for run in runs:
        headings = [*measures(run.card)]
        for evaluation, measure in measures_in_order(run.card):
            fitting = [heading for heading in headings if heading.endswith(measure)]
            named = [heading for heading in fitting if heading.startswith(evaluation.dataset)]
            return (named or fitting)[0]
        if headings:
            return headings[0]
    return None


def is_better_when_lower(measure: str) -> bool:
    """Whether a measure, as `measures` calls it, is an error."""
    return measure.endswith("↓") or lower_is_better(measure)


def _other(name: str, runs: Sequence[MeasuredRun]) -> list[Model]:
    """Return a teacher once, or once for each run where two runs tell other figures of it, the latency apart."""
    each = {run.name: _figures(run, name, runs) for run in runs if name in (*run.teachers, ENSEMBLE)}
    each = {run: figures for run, figures in each.items() if figures}

    together: dict[str, float] = {}
    for figures in each.values():
        together = figures | together
    if not any(figures[key] != together[key] for figures in each.values() for key in figures if key != LATENCY):
        return [Model(name, name, together)]
    return [Model(f"{name} ({run})", name, figures) for run, figures in each.items()]


def _figures(run: MeasuredRun, model: str, runs: Sequence[MeasuredRun]) -> dict[str, float]:
    quality = {measure: row.get(model) for measure, row in measures(run.card).items()}
    costs = {cost: run.card.sizes.get(model, {}).get(cost) for cost in COSTS}
    known = {
        name: value
        for name, value in (quality | costs).items()
        if isinstance(value, int | float) and is_drawable(value)
    }

    shared = _timed_everywhere(runs)
    if LATENCY in known and shared:
        known[LATENCY] /= _latency(run, shared) or 1.0
    elif LATENCY in known and len(runs) > 1:
        del known[LATENCY]
    return known
