"""The command `hf-multiteacher loyalty`: models and data in; a table, a JSON file and a chart out."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...report.charts import loyalty_chart
from ...report.tables import aligned
from ...whole_file import write_text
from ..configuration.checks import check_output_folder
from .comparison import Comparison, load_models
from .disagreements import describe, find_disagreements
from .examples import Examples, load_examples
from .prediction import input_limit

PRINTED = 10
Loyalty = dict[str, dict[str, Any]]
"""Teacher -> measure -> figure, as `Comparison.loyalty` returns it."""


@dataclass(frozen=True)
class LoyaltyRun:
    """The loyalty of one student to its teachers on one data set.

    Args:
        teachers: Folders or ids of fine-tuned models.
        student: The same.
        task: As for `load_examples`.
        data: As for `load_examples`.
        split: As for `load_examples`.
        text_column: The column with the texts, where the data have columns; found by its name by default.
        second_text_column: Likewise, that with the second texts of pairs.
        words_column: Likewise, that with the words of sentences.
        max_length: Tokens of an example at most; by default as many as each model can take.
        batch_size: Examples at once.
        output_dir: A new or empty folder for `loyalty.json` and `loyalty.png`.
        examples: How many examples of disagreement the JSON file holds; the first ten are printed.
        confidence: Share of the bootstrap samples inside the intervals.
        seed: Of the bootstrap.
    """

    teachers: Sequence[str]
    student: str
    task: str
    data: str | None = None
    split: str | None = None
    text_column: str | None = None
    second_text_column: str | None = None
    words_column: str | None = None
    max_length: int | None = None
    batch_size: int = 32
    output_dir: str = "loyalty"
    examples: int = 50
    confidence: float = 0.95
    seed: int = 0

    def run(self) -> str:
        """Compare, write the files, and return what was measured as text.

        Raises:
            ValueError, OSError, TypeError: What was given cannot be used; nothing was written.
        """
        self._check()
        examples = load_examples(self.task, self.data, self.split, self._columns)
        models = load_models(self.student, self.teachers, examples.kind)
        for index in range(len(models)):
            input_limit(models, index, examples, self.max_length)

        comparison = Comparison.of(models, examples, self.batch_size, self.max_length)
        loyalty = comparison.loyalty(confidence_level=self.confidence, seed=self.seed)
        farthest = find_disagreements(comparison, self.examples)

        student, *teachers = models.manifest()
        self._write(
            {
                "student": student,
                "teachers": teachers,
                "task": self.task,
                "data": self.data,
                "split": examples.split,
                "max_length": self.max_length,
                "examples": len(examples),
                "confidence_level": self.confidence,
                "seed": self.seed,
                "loyalty": loyalty,
                "disagreements": farthest,
            }
        )
        return self._text(examples, loyalty, farthest)

    @property
    def _columns(self) -> dict[str, str]:
        """The columns that the user has named."""
        named = {name: getattr(self, name) for name in ("text_column", "second_text_column", "words_column")}
        return {name: column for name, column in named.items() if column is not None}

    def _text(self, examples: Examples, loyalty: Loyalty, farthest: list[dict[str, Any]]) -> str:
        of_split = f" of the split {examples.split}" if examples.split else ""
        lines = [
            "",
            table(loyalty, "words" if examples.tagging else "examples"),
            f"{len(examples):,} examples{of_split}; in brackets {self.confidence:.0%} bootstrap intervals",
            "",
            "Where the student is farthest from its teachers:",
            *map(describe, farthest[:PRINTED]),
            "",
            f"loyalty.json, with all figures, and loyalty.png are in {self.output_dir}/",
            "",
        ]
        return "\n".join(lines)

    def _check(self) -> None:
        needed = {"TEACHER": self.teachers, "--student": self.student, "--task": self.task}
        missing = [name for name, value in needed.items() if not value]
        if missing:
            raise ValueError(f"loyalty compares a student with its teachers, but got no {', no '.join(missing)}.")

        for name, value, least in (
            ("--max-length", self.max_length, 1),
            ("--batch-size", self.batch_size, 1),
            ("--examples", self.examples, 0),
            ("--seed", self.seed, 0),
        ):
            if value is not None and value < least:
                raise ValueError(f"{name} expects a number from {least} on, but got {value}.")

        if not 0 < self.confidence < 1:
            raise ValueError(f"--confidence expects a share between 0 and 1, such as 0.95, but got {self.confidence}.")

        check_output_folder(self.output_dir)

    def _write(self, report: dict[str, Any]) -> None:
        content = json.dumps(report, ensure_ascii=False, indent=2, allow_nan=False)
        measures = {
            name: {measure: value for measure, value in figures.items() if measure.endswith("_loyalty")}
            for name, figures in report["loyalty"].items()
        }
        files = [Path(self.output_dir, name) for name in ("loyalty.png", "loyalty.json")]
        try:
            loyalty_chart(measures, files[0])
            write_text(files[1], content + "\n")
        except OSError:  # one of them alone would keep the next run from its folder
            for file in files:
                file.unlink(missing_ok=True)
            raise


def table(loyalty: Loyalty, rows_are: str) -> str:
    """Write the figures of `Comparison.loyalty` as a table: a row per teacher, intervals beside their figure."""
    measures = [name for name in next(iter(loyalty.values())) if not name.endswith("_interval")]
    names = [rows_are if measure == "rows" else measure.replace("_", " ") for measure in measures]

    rows = [
        [name, *(_cell(figures[measure], figures.get(f"{measure}_interval")) for measure in measures)]
        for name, figures in loyalty.items()
    ]
    return aligned([["student's loyalty to", *names], *rows])


def _cell(value: float | None, interval: list[float] | None) -> str:
    if value is None:
        return "-"

    text = f"{value:,}" if isinstance(value, int) else f"{value:.4f}"
    return f"{text} [{interval[0]:.4f}, {interval[1]:.4f}]" if interval else text
