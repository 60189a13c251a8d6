"""What a page says, section by section: each method is one place in its template."""

import re
from collections.abc import Callable, Mapping, Sequence
from html import unescape
from typing import Any, NamedTuple

from markupsafe import Markup

from ...models.task import TASKS
from ..card_arguments import objective_terms, shown_arguments
from ..card_summary import summary
from ..charts import is_drawable
from ..compared_answers import STUDENT, ComparedAnswers, Disagreement, Numbers
from ..measured_run import MeasuredRun
from ..tables import format_figure
from .by_label import LabelTable, label_table
from .confusion import Confusion, confusion
from .dots import dot_chart, shortened
from .lines import Curve, line_chart
from .looks import Look, look_of, looks_of, style_sheet
from .numbers import number_chart
from .reliability import calibration_error, reliability_diagram
from .scatter import scatter_chart
from .side_by_side import COSTS, is_better_when_lower, latency_in_words, main_measure, models_of
from .training_log import WEIGHT, is_constant, losses, loyalties, of_teachers

MOST_EXAMPLES = 8
LONGEST_TITLE = 40
LEAST_LOYALTY_SPAN = 0.1
"""A few rows more or less are no difference between teachers."""
FIGURE = re.compile(r"([\d.]+(?: to [\d.]+)? (?:%|times)|as large) (.*)", re.DOTALL)
NOT_MEASURED = {
    "Quality kept": "Not known: no main measure of student and teachers, or the teachers' is 0. Give compute_metrics.",
    "Size": "Not known: the parameters of student and teachers are not in this run's files.",
    "Speed": "Not measured. report_speed: true measures it.",
}


class Headline(NamedTuple):
    """A figure that stands for much, such as `99.2 %`, and what it is beside, such as `of the f1 of teacher`."""

    figure: str
    beside: str


class Panel(NamedTuple):
    """A chart with its heading."""

    title: str
    chart: Markup


class Row(NamedTuple):
    """A line of a table: its heading, and its cells."""

    name: str
    cells: list[str]
    differs: bool = False


class Page:
    """All that the template of a page shows.

    Args:
        runs: The runs, whose names differ.
    """

    def __init__(self, runs: Sequence[MeasuredRun]) -> None:
        self.runs = runs
        self.looks = looks_of(runs)
        self.models = models_of(runs)
        self.costs_in_words = COSTS | latency_in_words(runs)
        self.owners = {model.name: model.owner for model in self.models}

    # ---- What everybody wants to know ----

    def title(self) -> str:
        """The name of the run, or how many there are."""
        return self.runs[0].name if len(self.runs) == 1 else f"{len(self.runs)} runs side by side"

    def short_title(self) -> str:
        """The same for the head of a window."""
        return shortened(self.title(), LONGEST_TITLE)

    def colours(self) -> Markup:
        """The models' colours, as a style sheet."""
        return Markup(style_sheet())  # noqa: S704 (made of constants)

    def key(self) -> list[tuple[Look, str]]:
        """Every model with its mark."""
        shown = dict.fromkeys(model.owner for model in self.models)
        return [(look_of(name, self.looks), name) for name in shown]

    def about(self, run: MeasuredRun) -> str:
        """What a run is, in a line."""
        teachers = " and ".join(run.teachers) if len(run.teachers) < 3 else f"{len(run.teachers)} teachers"
        data = run.card.measured_on or ", ".join(each.dataset for each in run.card.evaluations)
        parts = [
            f"learned from {teachers}" if teachers else "",
            f"measured on {data}" if data else "",
        ]
        return ", ".join(filter(None, parts))

    def headlines(self, run: MeasuredRun) -> dict[str, Headline]:
        """Quality kept, size and speed; why one is not there in place of it."""
        found = summary(run.card)
        return {
            name: _headline(found[name]) if name in found else Headline("–", reason)
            for name, reason in NOT_MEASURED.items()
        }

    # ---- How good, and at what price ----

    def quality(self) -> list[Panel]:
        """A chart for each measure."""
        return [
            Panel(_spaced(measure), dot_chart(_spaced(measure), row, self.looks, owners=self.owners))
            for measure, row in self._by_measure().items()
        ]

    def quality_table(self) -> tuple[list[str], list[Row]]:
        """All figures: the measures, and a line for each model."""
        columns = {**{measure: _spaced(measure) for measure in self._by_measure()}, **self.costs_in_words}
        columns = {key: name for key, name in columns.items() if any(key in model.figures for model in self.models)}
        rows = [
            Row(model.name, [format_figure(model.figures[key]) if key in model.figures else "–" for key in columns])
            for model in self.models
        ]
        return [*columns.values()], rows

    def _by_measure(self) -> dict[str, dict[str, float]]:
        """Sort the figures by measure: the main one first, errors last."""
        found = dict.fromkeys(key for model in self.models for key in model.figures if key not in COSTS)
        main = main_measure(self.runs)
        measures = sorted(found, key=lambda measure: (measure != main, is_better_when_lower(measure)))
        return {
            measure: {model.name: model.figures[measure] for model in self.models if measure in model.figures}
            for measure in measures
        }

    def costs(self) -> list[Panel]:
        """Quality against latency, and against size."""
        measure = main_measure(self.runs)
        if measure is None:
            return []

        panels = []
        for cost, what in self.costs_in_words.items():
            points = {
                model.name: (model.figures[cost], model.figures[measure])
                for model in self.models
                if cost in model.figures and measure in model.figures
            }
            if len(points) > 1:
                title = f"{_spaced(measure)} and {what.partition(',')[0]}"
                chart = scatter_chart(title, points, self.looks, across=what, up=_spaced(measure), owners=self.owners)
                panels.append(Panel(title, chart))
        return panels

    def best_corner(self) -> str:
        """Where the good models are in `costs`."""
        measure = main_measure(self.runs) or ""
        return "bottom left" if is_better_when_lower(measure) else "top left"

    # ---- Whom the student follows ----

    def loyalty(self) -> list[Panel]:
        """A chart for each measure of loyalty and each run, those of a measure on one axis."""
        panels = []
        for measure in dict.fromkeys(key for run in self.runs for row in run.card.loyalty.values() for key in row):
            rows = {
                run.name: _numbers({name: row.get(measure) for name, row in run.card.loyalty.items()})
                for run in self.runs
            }
            together = [value for row in rows.values() for value in row.values()]
            for run, row in rows.items():
                if row:
                    title = self._of_run(_spaced(measure), run)
                    panels.append(
                        Panel(
                            title,
                            dot_chart(title, row, self.looks, together=together, least=LEAST_LOYALTY_SPAN, most=1.0),
                        )
                    )
        return panels

    def loyalty_over_time(self) -> list[Panel]:
        """How loyalty went, where it was measured more than once."""
        return [
            Panel(
                title := self._of_run(f"{_spaced(measure)} over the steps", run.name),
                line_chart(title, self._curves(found)),
            )
            for run in self.runs
            for measure, found in loyalties(run.card.log_history).items()
        ]

    def weights(self) -> list[Panel]:
        """The weight of each teacher, where it moved."""
        found = {run.name: of_teachers(run.card.log_history, WEIGHT) for run in self.runs}
        return [
            Panel(title := self._of_run("weight of each teacher", run), line_chart(title, self._curves(curves)))
            for run, curves in found.items()
            if curves and not is_constant(curves)
        ]

    def constant_weights(self) -> list[str]:
        """What the weights are, where they never moved."""
        said = []
        for run in self.runs:
            curves = of_teachers(run.card.log_history, WEIGHT)
            if curves and is_constant(curves):
                each = ", ".join(f"{curve.name} {curve.points[0][1]:.2g}" for curve in self._curves(curves))
                whose = "The teachers' weights" if len(self.runs) == 1 else f"The weights of {run.name}'s teachers"
                said.append(f"{whose} did not change: {each}.")
        return said

    def _curves(self, found: Mapping[str, Any]) -> list[Curve]:
        """Draw models in the order in which the page names them; a log that was saved has them by the alphabet."""
        order = [*self.looks]
        names = sorted(found, key=lambda name: order.index(name) if name in order else len(order))
        return [Curve(name, look_of(name, self.looks), found[name]) for name in names]

    # ---- How far one may rely on it ----

    def reliability(self) -> list[Panel]:
        """A diagram for each model; one that answers alike in several runs is there once."""
        return [
            Panel(
                f"{title}: error {calibration_error(bins):.3f}",
                reliability_diagram(title, bins, look_of(name, self.looks)),
            )
            for title, (name, bins) in self._once(lambda answers: answers.confidence).items()
        ]

    def nearness(self) -> list[Panel]:
        """The numbers of each model beside those of the data, likewise."""
        span = self._span()
        found = self._once(lambda answers: _beside_labels(answers.numbers))
        return [
            Panel(title, number_chart(title, pairs, look_of(name, self.looks), across="label", up=name, span=span))
            for title, (name, pairs) in found.items()
            if pairs
        ]

    def _once(self, figures: Callable[[ComparedAnswers], Mapping[str, Any]]) -> dict[str, tuple[str, Any]]:
        """Find the figures of each model, by a title of its own; one with the same in several runs is there once."""
        found: dict[str, tuple[str, Any]] = {}
        for run in self.runs:
            for model, figure in figures(run.answers).items() if run.answers else ():
                name = self.called(model, run)
                if (name, figure) not in found.values():
                    found[name if name not in found else self._of_run(name, run.name)] = name, figure
        return found

    def _span(self) -> tuple[float, float]:
        """The lowest and the highest number of all runs."""
        numbers = [run.answers.numbers for run in self.runs if run.answers and run.answers.numbers]
        rows = [row for each in numbers for row in (each.labels, *each.said.values())]
        values = [value for row in rows for value in row if value is not None] or [0.0]
        return min(values), max(values)

    def sample(self) -> str:
        """How many of the answers the pictures of numbers show."""
        numbers = [run.answers.numbers for run in self.runs if run.answers and run.answers.numbers]
        shown = max((len(each.labels) for each in numbers), default=0)
        of = max((each.of for each in numbers), default=0)
        return f"{shown:,} of {of:,} examples are drawn." if shown < of else ""

    def rows(self) -> str:
        """What the dots of the diagrams stand for."""
        return " and ".join(dict.fromkeys(run.answers.rows for run in self.runs if run.answers))

    def confusions(self, run: MeasuredRun) -> list[Confusion]:
        """The student's answers beside those of each teacher."""
        if run.answers is None:
            return []
        return [
            confusion(teacher, pairs, run.answers.labels)
            for teacher, pairs in run.answers.confusion.items()
            if teacher in run.teachers
        ]

    def label_tables(self, run: MeasuredRun) -> list[LabelTable]:
        """The labels of the student beside those of each teacher, where an example may have several."""
        if run.answers is None:
            return []
        return [
            label_table(teacher, counts, run.answers.labels)
            for teacher, counts in run.answers.by_label.items()
            if teacher in run.teachers
        ]

    def differences(self, run: MeasuredRun) -> list[Panel]:
        """The student's numbers beside those of each teacher."""
        numbers = run.answers and run.answers.numbers
        if not numbers:
            return []

        panels = []
        for teacher in run.teachers:
            pairs = _pairs(numbers.said.get(teacher, []), numbers.said[STUDENT])
            if pairs:
                title, look = f"{run.name} and {teacher}", look_of(run.name, self.looks)
                chart = number_chart(title, pairs, look, across=teacher, up=run.name, span=self._span())
                panels.append(Panel(title, chart))
        return panels

    def examples(self, run: MeasuredRun) -> list[Disagreement]:
        """Those on which student and teachers are farthest apart."""
        return run.answers.disagreements[:MOST_EXAMPLES] if run.answers else []

    def about_of(self, example: Disagreement, row: int) -> str:
        """What a row of an example is about; empty where it is about the whole, or where the label says it."""
        about, label = (example.rows[row][key] for key in ("about", "label"))
        word = about or next((text for text, number in example.parts if number == row), "")
        return "" if word == label else word

    def called(self, model: str, run: MeasuredRun) -> str:
        """What the page calls a model of the answers."""
        return run.name if model == STUDENT else model

    def key_of(self, model: str, run: MeasuredRun) -> Markup:
        """Its mark."""
        return look_of(self.called(model, run), self.looks).key()

    # ---- How it came about ----

    def training(self) -> list[Panel]:
        """A chart for each component of the loss, a line for each run."""
        found = {run.name: losses(run.card.log_history) for run in self.runs}
        panels = []
        for component in dict.fromkeys(name for each in found.values() for name in each):
            curves = [
                Curve(self._curve_name(run, kind), self.looks[run], points, dashed=kind == "evaluation")
                for run, each in found.items()
                for kind, points in each.get(component, {}).items()
            ]
            panels.append(Panel(_spaced(component), line_chart(_spaced(component), curves)))
        return panels + self._training_of_teachers()

    def _training_of_teachers(self) -> list[Panel]:
        each = [
            (self._of_run(f"{_spaced(loss)} of each teacher", run.name), of_teachers(run.card.log_history, loss))
            for run in self.runs
            for loss in ("soft_loss", "hidden_loss")
        ]
        return [Panel(title, line_chart(title, self._curves(found))) for title, found in each if len(found) > 1]

    def _curve_name(self, run: str, kind: str) -> str:
        if len(self.runs) == 1:
            return kind
        return run if kind == "training" else f"{run}, {kind}"

    def objective(self, run: MeasuredRun) -> str:
        """What the student was trained to minimise."""
        return objective_terms(run.card.arguments, run.card.problem_type)

    def arguments(self) -> list[Row]:
        """The arguments of every run; those that differ first."""
        each = [_arguments_of(run) for run in self.runs]
        rows = []
        for name in dict.fromkeys(key for arguments in each for key in arguments):
            cells = [str(arguments.get(name, "–")) for arguments in each]
            rows.append(Row(name, cells, differs=len({*cells}) > 1))
        return sorted(rows, key=lambda row: not row.differs)

    def _of_run(self, title: str, run: str) -> str:
        return f"{title} · {run}" if len(self.runs) > 1 and run else title


def _arguments_of(run: MeasuredRun) -> dict[str, Any]:
    card = run.card
    return shown_arguments(card.arguments, TASKS[card.task], len(run.teachers), card.problem_type)


def _headline(sentence: str) -> Headline:
    """Let the figure stand out with which a sentence of a card begins; the card's Markdown has names as entities."""
    found = FIGURE.fullmatch(unescape(sentence))
    return Headline(*found.groups()) if found else Headline("", unescape(sentence))


def _spaced(name: str) -> str:
    return name.replace("_", " ")


def _beside_labels(numbers: Numbers | None) -> dict[str, list[tuple[float, float]]]:
    """Return the numbers of the data and of each model on the same examples."""
    return {} if numbers is None else {name: _pairs(numbers.labels, said) for name, said in numbers.said.items()}


def _pairs(first: Sequence[float | None], second: Sequence[float | None]) -> list[tuple[float, float]]:
    return [(x, y) for x, y in zip(first, second, strict=False) if x is not None and y is not None]


def _numbers(row: Mapping[str, Any]) -> dict[str, float]:
    return {name: value for name, value in row.items() if is_drawable(value)}
