"""What was measured of student, teachers and ensemble: for a file, and as a table for the screen."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any

from ...report.tables import aligned, format_figure
from ...teachers.ensemble import ENSEMBLE
from ...trainer import MultiTeacherDistillationTrainer
from ...whole_file import write_text

WIDTH = 80
LONGEST_NAME = 26
STUDENT = "student"
ACCURACY = "accuracy"
SIZES = {"parameters": "parameters", "megabytes": "MB", "latency_ms": "ms"}
"""What is shown of the sizes -> its heading; latency is there where `report_speed` asked for it."""
NOT_FIGURES = ("runtime", "per_second", "preparation_time", "compilation_time", "epoch")
Row = dict[str, float]


@dataclass(frozen=True)
class Figures:
    """The figures of one evaluation.

    Attributes:
        student: Measure -> the student's.
        teachers: Teacher -> measure -> its own.
        ensemble: Measure -> that of the teachers together.
        losses: Loss -> the student's, `soft_loss/<teacher>` among them.
        loyalty: Teacher, or `ensemble` -> measure -> the student's loyalty to it.
        sizes: `parameters`, `megabytes` and, where that was measured, `latency_ms` of the student.
        teacher_sizes: Teacher -> the same of it.
        metric: The main measure; None where there is none but the losses.
    """

    student: Row
    teachers: dict[str, Row]
    ensemble: Row
    losses: Row
    loyalty: dict[str, Row]
    sizes: Mapping[str, Any] = field(default_factory=dict)
    teacher_sizes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    metric: str | None = None

    @classmethod
    def of(
        cls, trainer: MultiTeacherDistillationTrainer, metrics: Mapping[str, Any], metric: str | None = None
    ) -> "Figures":
        """Sort what an evaluation has found, and add the sizes of the models.

        Args:
            trainer: That of the student.
            metrics: What its `evaluate` has returned.
            metric: The main measure.
        """
        names = trainer.teachers.names
        card = trainer.card_data()
        sizes = {name: _numbers(row) for name, row in card.sizes.items()}

        student, losses, loyalty = Row(), Row(), dict[str, Row]()
        others: dict[str, Row] = {name: {} for name in (*names, ENSEMBLE)}
        for name, value in metrics.items():
            measure, _, owner = name.removeprefix("eval_").partition("/")
            if measure.endswith(NOT_FIGURES) or not isinstance(value, int | float):
                continue
            if measure == "loss" and owner in others:
                others[owner][measure] = value
            elif measure.endswith("loss"):
                losses[f"{measure}/{owner}" if owner else measure] = value
            elif measure.endswith("_loyalty"):
                loyalty.setdefault(owner, {})[measure] = value
            elif owner in others:
                others[owner][measure] = value
            else:
                student[f"{measure}/{owner}" if owner else measure] = value

        return cls(
            student=student,
            teachers={name: others[name] for name in names},
            ensemble=others[ENSEMBLE],
            losses=losses,
            loyalty=loyalty,
            sizes=sizes.get(card.name, {}),
            teacher_sizes={name: sizes.get(name, {}) for name in names},
            metric=metric,
        )

    def write(self, path: Path, **about: Any) -> None:
        """Write all figures as JSON.

        Args:
            path: Of the file.
            **about: What else it says, before the figures.
        """
        teachers = {
            name: {"quality": row, **self.teacher_sizes.get(name, {}), "loyalty": self.loyalty.get(name, {})}
            for name, row in self.teachers.items()
        }
        content: dict[str, Any] = {
            **about,
            "metric": self.metric,
            STUDENT: {"quality": self.student, **self.sizes, "losses": self.losses},
            "teachers": teachers,
        }
        if self.ensemble or ENSEMBLE in self.loyalty:
            content[ENSEMBLE] = {"quality": self.ensemble, "loyalty": self.loyalty.get(ENSEMBLE, {})}

        text = json.dumps(_finite(content), indent=2, ensure_ascii=False, allow_nan=False)
        write_text(path, f"{text}\n")

    def table(self) -> str:
        """Lay out quality and size of every model, and below it the student's loyalty to each, in 80 columns."""
        quality = [(STUDENT, {**self.student, **({} if self.student else self.losses)}, self.sizes)]
        quality += [(name, row, self.teacher_sizes.get(name, {})) for name, row in self.teachers.items()]
        if self.ensemble:
            quality.append((ENSEMBLE, self.ensemble, {}))

        measures = _in_order(self.metric, [name for name in quality[0][1] if "/" not in name])
        shown = {key: title for key, title in SIZES.items() if key in self.sizes}
        rows = [["", *map(_heading, measures), *shown.values()]]
        for name, row, sizes in quality:
            figures = [_figure(row.get(measure)) for measure in measures]
            rows.append([_short(name), *figures, *(_size(sizes.get(key)) for key in shown)])

        tables = [fitted(rows, kept=len(shown))]
        if self.loyalty:
            tables.append(fitted(self._loyalty_rows(), kept=0))
        return "\n\n".join(tables)

    def _loyalty_rows(self) -> list[list[str]]:
        measures = [*dict.fromkeys(measure for row in self.loyalty.values() for measure in row)]
        rows = [["the student's loyalty to", *map(_heading, measures)]]
        for name, row in self.loyalty.items():
            rows.append([_short(name), *(_figure(row.get(measure)) for measure in measures)])
        return rows


def fitted(rows: Sequence[Sequence[str]], *, kept: int) -> str:
    """Write a table in 80 columns: columns that do not fit are left out, from behind.

    Args:
        rows: Cells, the heading first.
        kept: How many of the last columns stay.
    """
    shown = [[*row] for row in rows]
    while len(shown[0]) > 2 + kept and max(map(len, aligned(shown).splitlines())) > WIDTH:
        place = len(shown[0]) - kept - 1
        shown = [row[:place] + row[place + 1 :] for row in shown]
    return aligned(shown)


def _in_order(metric: str | None, names: Sequence[str]) -> list[str]:
    """Put first what stays where a table has no room for all."""
    first = [name for name in (metric, ACCURACY) if name == metric or name in names]
    return [*dict.fromkeys([name for name in first if name] + [*names])]


def _heading(measure: str) -> str:
    return measure.replace("_", " ").replace(" loyalty", "")


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _size(value: Any) -> str:
    return "" if value is None else format_figure(value)


def _numbers(row: Mapping[str, Any]) -> Row:
    return {name: value for name, value in row.items() if isinstance(value, int | float)}


def _finite(content: Any) -> Any:
    """Return figures that JSON can hold: null where one is no number."""
    if isinstance(content, dict):
        return {name: _finite(value) for name, value in content.items()}
    return None if isinstance(content, float) and not isfinite(content) else content
