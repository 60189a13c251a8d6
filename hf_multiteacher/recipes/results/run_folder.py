"""What a run has left in its folder, read for a report: of `distill`, or of a trainer in a script."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from ...models.task import SEQUENCE_CLASSIFICATION, TASKS
from ...report.card_data import DistillationCardData, Evaluation
from ...report.compared_answers import FILE as ANSWERS
from ...report.compared_answers import ComparedAnswers
from ...report.measured_run import NOT_KEPT, MeasuredRun
from ...teachers.ensemble import ENSEMBLE
from ...training.card import NOT_QUALITY, evaluations_in, evaluations_of, loyalty_of
from ...training.checkpoint import MANIFEST
from .figures import STUDENT

METRICS, STATE, CONFIG, MODEL = "metrics.json", "trainer_state.json", "config.yaml", "config.json"
SIZES = ("parameters", "megabytes", "latency_ms", "latency_ratio", "memory_mb")
Content = dict[str, Any]


def read_runs(folders: Sequence[str]) -> list[MeasuredRun]:
    """Read the folders of runs, each under a name of its own: the last parts of its path.

    Args:
        folders: Output folders of `distill`, or of a `MultiTeacherDistillationTrainer`.

    Raises:
        ValueError: One is no folder of a run, is named twice, or holds what nobody can read.
    """
    paths = [Path(folder).resolve() for folder in folders]
    twice = [folder for folder, path in zip(folders, paths, strict=True) if paths.count(path) > 1]
    if twice:
        raise ValueError(f"report expects different runs, but got '{twice[0]}' more than once. Name it once.")

    return [_read_run(Path(folder), name) for folder, name in zip(folders, _names(paths), strict=True)]


def _names(paths: Sequence[Path]) -> list[str]:
    """Call each folder by as many of the last parts of its path as tell all of them apart."""
    length = 1
    while len({path.parts[-length:] for path in paths}) < len(paths):
        length += 1
    return ["/".join(path.parts[-length:]) for path in paths]


def _read_run(folder: Path, name: str) -> MeasuredRun:
    files = {file: _found(folder, file) for file in (METRICS, STATE, MANIFEST, CONFIG, MODEL)}
    if files[METRICS] is None and files[STATE] is None:
        what = "holds neither metrics.json nor trainer_state.json" if folder.is_dir() else "is no folder"
        raise ValueError(
            f"report expects folders of runs, but '{folder}' {what}, so there is nothing to tell. Give the output_dir "
            "of distill, or one where a MultiTeacherDistillationTrainer has saved a checkpoint or, with "
            "trainer.save_state(), its log."
        )

    metrics, state, model = (_json(files[file]) for file in (METRICS, STATE, MODEL))
    manifest = _manifest(files[MANIFEST])
    with _readable(files[METRICS] or files[STATE] or folder):
        card = _card(name, metrics, state, manifest, model)
    card.arguments = {**_yaml(files[CONFIG]), **card.arguments}

    answers = _found(folder, ANSWERS)
    return MeasuredRun(card, ComparedAnswers.read(answers) if answers else None, NOT_KEPT)


def _found(folder: Path, file: str) -> Path | None:
    """Find a file of a run: in its folder, or in the newest checkpoint."""
    checkpoints = sorted(folder.glob("checkpoint-*"), key=_step, reverse=True)
    return next((place / file for place in (folder, *checkpoints) if (place / file).is_file()), None)


def _step(checkpoint: Path) -> int:
    number = checkpoint.name.rpartition("-")[2]
    return int(number) if number.isdecimal() else -1


def _json(path: Path | None) -> Content:
    if path is None:
        return {}
    with _readable(path):
        return {**json.loads(path.read_text("utf-8"))}


def _manifest(path: Path | None) -> Content:
    """Read who has taught, and how; a name is text, whatever the file says."""
    content = _json(path)
    with _readable(path or Path(MANIFEST)):
        teachers = [{**teacher, "name": str(teacher["name"])} for teacher in content.get("teachers") or ()]
        return {"teachers": teachers, "arguments": {**content.get("arguments", {})}}


def _yaml(path: Path | None) -> Content:
    if path is None:
        return {}
    with _readable(path):
        content = yaml.safe_load(path.read_text("utf-8")) or {}
        return {name: value for name, value in content.items() if name != "teachers"}


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Say which file is not what a run writes.

    Raises:
        ValueError: It is not.
    """
    try:
        yield
    except (AttributeError, KeyError, TypeError, ValueError, yaml.YAMLError) as error:
        raise ValueError(
            f"{path} does not hold what a run writes there ({type(error).__name__}: {error}), so nobody can tell what "
            "it measured. Give the folder of a run as it was left, or run again."
        ) from error


def _card(name: str, metrics: Content, state: Content, manifest: Content, model: Content) -> DistillationCardData:
    """Put what a run has left into the form that a card is written from."""
    teachers = manifest["teachers"] or [{"name": each} for each in metrics.get("teachers", {})]
    names = [teacher["name"] for teacher in teachers]
    name = f"{name} (student)" if name in (*names, ENSEMBLE) else name
    history = [entry for entry in state.get("log_history", []) if isinstance(entry["step"], int | float)]
    task = _task(model, metrics)
    last = _last_evaluations(history)

    return DistillationCardData(
        name=name,
        task=task,
        teachers=teachers,
        repo_id=name,
        arguments=manifest["arguments"],
        log_history=history,
        evaluations=_measured(name, metrics) or evaluations_of(last, [], TASKS[task].pipeline, name, names),
        measured_on=str(metrics.get("measured_on", "")),
        metric=metrics.get("metric"),
        loyalty=_loyalty(metrics) or loyalty_of(last),
        sizes=_sizes(name, metrics),
        problem_type=model.get("problem_type"),
    )


def _task(model: Content, metrics: Content) -> str:
    """Tell the kind of the student: by its class or, where that is not known, by what was asked for."""
    classes = model.get("architectures") or [""]
    for task in TASKS.values():
        if str(classes[0]).endswith(task.class_suffix):
            return task.name
    return metrics["task"] if metrics.get("task") in TASKS else SEQUENCE_CLASSIFICATION.name


def _last_evaluations(history: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """Find the evaluations at the last step that has any."""
    found = [(entry["step"], evaluations_in(entry)) for entry in history]
    last = max((step for step, each in found if each), default=None)
    return {data: figures for step, each in found if step == last for data, figures in each.items()}


def _measured(name: str, metrics: Content) -> list[Evaluation]:
    """Read the figures of every model; none where the run has written none."""
    if not metrics:
        return []

    student, others = metrics[STUDENT], _others(metrics)
    rows = {
        name: {**student["quality"], **{key: student["losses"][key] for key in ("loss",) if key in student["losses"]}}
    }
    rows |= {other: figures["quality"] for other, figures in others.items()}
    figures = {
        model: {key: row[key] for key in row if key not in NOT_QUALITY and "/" not in key}
        for model, row in rows.items()
    }
    return [Evaluation(str(metrics.get("measured_on", "")), str(metrics.get("task", "")), figures)]


def _loyalty(metrics: Content) -> dict[str, Any]:
    return {name: {**row["loyalty"]} for name, row in _others(metrics).items() if row.get("loyalty")}


def _others(metrics: Content) -> dict[str, Any]:
    """Return what is told of the teachers and of their ensemble."""
    ensemble = {ENSEMBLE: metrics[ENSEMBLE]} if ENSEMBLE in metrics else {}
    return {**metrics.get("teachers", {}), **ensemble}


def _sizes(name: str, metrics: Content) -> dict[str, dict[str, Any]]:
    rows = {name: metrics.get(STUDENT, {}), **metrics.get("teachers", {})}
    return {model: {key: row[key] for key in SIZES if key in row} for model, row in rows.items()}
