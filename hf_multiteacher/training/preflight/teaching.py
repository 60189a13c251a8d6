"""Who teaches, and how much of what a teacher says reaches the student."""

from collections.abc import Iterator, Mapping
from typing import Any

from ...cache.sizes import bytes_in_words
from ...models.labels import label_names
from ...models.task import without_adapters
from ...report.benchmark import count_parameters
from ...teachers.ensemble import TeacherEnsemble
from .finding import Finding, Level, percent

COVERED, HARDLY_COVERED = 0.8, 0.05
SHARED, HARDLY_SHARED = 0.5, 0.05


def teacher_findings(teachers: TeacherEnsemble, sources: Mapping[str, int | None]) -> Iterator[Finding]:
    """Tell what each teacher is.

    Args:
        teachers: The run's.
        sources: Teacher name -> None where it reads the student's encoding.
    """
    for teacher in teachers:
        model, own = teacher.wake(), sources[teacher.name] is not None
        parameters = count_parameters(model)
        size = sum(weight.numel() * weight.element_size() for weight in model.parameters())

        tokens = "with a tokenizer of its own" if own else "the student's tokens"
        is_large = f"{parameters:,} parameters, {bytes_in_words(size)}"
        says = f"{teacher.name} is loaded: {is_large}; it reads {tokens} and knows {_labels(teacher)}."
        yield Finding("teacher", says, figures={f"parameters/{teacher.name}": parameters})


def _labels(teacher: Any) -> str:
    """Say of what a teacher speaks."""
    if teacher.task.over_vocabulary:
        return f"a vocabulary of {teacher.config.vocab_size:,}"
    if teacher.config.num_labels == 1:
        return "one number"

    names = label_names(without_adapters(teacher.model).config)
    order = "" if teacher.label_index is None else ", in another order than the student's"
    return f"the labels {_few(names or range(teacher.config.num_labels))}{order}"


def _few(names: Any) -> str:
    listed = [*map(str, names)]
    return ", ".join(listed[:5]) + (f" and {len(listed) - 5} more" if len(listed) > 5 else "")


def coverage_findings(logged: Mapping[str, float], names: list[str]) -> Iterator[Finding]:
    """Tell how much of the rows, and of its probability, each teacher shares with the student.

    Args:
        logged: What a training logs, from some of its steps.
        names: The teachers'.
    """
    for name in names:
        if (covered := logged.get(f"coverage/{name}")) is not None:
            level = _level(covered, COVERED, HARDLY_COVERED)
            says = f"{name} has a counterpart for {percent(covered)} of the rows."
            do = "Its tokenizer splits the text elsewhere: take a teacher with a nearer one, or give it less weight."
            yield Finding("coverage", says, level, "" if level == "ok" else do, {f"coverage/{name}": covered})

        if (mass := logged.get(f"shared_mass/{name}")) is not None:
            level = _level(mass, SHARED, HARDLY_SHARED)
            says = f"{name} gives {percent(mass)} of its probability to entries that the student's vocabulary has too."
            do = "The two vocabularies have little in common: take a student or a teacher with a nearer one."
            yield Finding("vocabulary", says, level, "" if level == "ok" else do, {f"shared_mass/{name}": mass})

        if skipped := logged.get(f"skipped_rows/{name}"):
            says = f"{name} answered NaN or infinity on {skipped:.0f} rows, which are left out (skip_nonfinite_rows)."
            do = "Look at this teacher's weights, or run it in a higher precision (teacher_dtype='float32')."
            yield Finding("answers", says, "warning", do, {f"skipped_rows/{name}": skipped})


def _level(share: float, enough: float, hardly: float) -> Level:
    return "stop" if share < hardly else "warning" if share < enough else "ok"
