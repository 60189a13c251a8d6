"""What every model has answered for each example, as files."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...romanian.definition import Definition
from ...romanian.splits import gold_file
from ...romanian.tasks import DEFINITIONS
from ...teachers.ensemble import ENSEMBLE
from ...whole_file import write_text
from ..configuration.configuration import DistillationConfig
from ..data.task_data import TaskData
from .figures import STUDENT

FILE = "predictions.jsonl"


def write_predictions(
    folder: Path, config: DistillationConfig, task: TaskData, teachers: Sequence[str], answers: Sequence[list[Any]]
) -> None:
    """Write the answers of an evaluation: for Romanian tagging in the data set's own layout, else as JSON lines.

    Args:
        folder: Where.
        config: What is distilled.
        task: Its data.
        teachers: Their names.
        answers: Those of each teacher and the ensemble, where they were measured too, and last the student's.
    """
    named = named_answers(teachers, answers, len(task.test))
    definition = DEFINITIONS.get(config.task)
    if definition is not None and definition.prediction_file is not None:
        _write_in_layout(folder, definition, str(config.data) if config.data else None, task, named)
        return

    lines = [json.dumps(row, ensure_ascii=False) for row in _rows(task, named)]
    write_text(folder / FILE, "\n".join([*lines, ""]))


def named_answers(teachers: Sequence[str], answers: Sequence[list[Any]], examples: int) -> dict[str, list[Any]]:
    """Say whose answers are whose; teachers' are there for every example of every teacher, or left out.

    Args:
        teachers: Their names.
        answers: As for `write_predictions`.
        examples: How many were measured.
    """
    owners = [*teachers, *([ENSEMBLE] if len(teachers) > 1 else []), STUDENT]
    whole = len(answers) == len(owners) and all(len(each) == examples for each in answers)
    return dict(zip(owners, answers, strict=True)) if whole else {STUDENT: answers[-1]}


def _rows(task: TaskData, answers: Mapping[str, list[Any]]) -> list[dict[str, Any]]:
    columns = {name: task.test[name][:] for name in task.inputs}
    gold = [_label(label, task.label_names) for label in task.test["labels"][:]]

    rows = []
    for number, label in enumerate(gold):
        row = {name: column[number] for name, column in columns.items()}
        row["labels" if task.tagging else "label"] = label
        said = {owner: each[number] for owner, each in answers.items()}
        others = {owner: answer for owner, answer in said.items() if owner != STUDENT}
        rows.append(row | {STUDENT: said[STUDENT]} | ({"teachers": others} if others else {}))
    return rows


def _label(label: Any, names: Sequence[str] | None) -> Any:
    if names is None:
        return label
    return [names[i] for i in label] if isinstance(label, list) else names[label]


def _write_in_layout(
    folder: Path, definition: Definition, data: str | None, task: TaskData, answers: Mapping[str, list[Any]]
) -> None:
    file = definition.prediction_file
    if file is None:
        return

    source, words = gold_file(definition.source, data, task.part), task.test["words"][:]
    stem, ending = file.name.split(".", 1)
    for owner, tags in answers.items():
        name = file.name if owner == STUDENT else f"{stem}-{owner}.{ending}"
        file.write(folder / name, words, tags, source=source)
