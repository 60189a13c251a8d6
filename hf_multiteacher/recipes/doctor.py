"""The command `hf-multiteacher doctor`: a configuration looked at before anything is trained or written."""

import copy
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from tempfile import TemporaryDirectory
from typing import Any

from ..training.preflight.finding import Finding, Preflight, in_words
from ..training.preflight.preflight import preflight
from ..training_args import DistillationTrainingArguments
from .configuration.checkpoints import find_checkpoint
from .configuration.checks import check_output_folder
from .configuration.configuration import DistillationConfig
from .distillation import plan
from .run import STUDENT, Distillation
from .terminal.progress import Progress


def examine(
    config: DistillationConfig, args: DistillationTrainingArguments, given: Mapping[str, Any], progress: Progress
) -> Preflight:
    """Make the trainers of a run as the run would, and try a few steps of each; nothing of it stays.

    Args:
        config: What would be distilled, from `read_config`.
        args: Likewise, the arguments of the training.
        given: Likewise, the values that the user gave.
        progress: Is told of the stages.
    """
    with TemporaryDirectory() as scratch:
        try:
            begun = time.perf_counter()
            distillation = plan(config, _writing_to(scratch, args), given)
            progress.stages = distillation.stages - 1  # the last one measures and saves
            distillation.prepare(progress)
            seconds = time.perf_counter() - begun
        except (OSError, TypeError, ValueError) as error:
            says = " ".join(str(error).split())
            stop = Finding("configuration", says, "stop", "Correct this first: nothing else was tried.")
            return Preflight([*_output_folder(args), stop])

        return Preflight(
            [_prepared(seconds), *_output_folder(args), *_in_all(seconds, _of_trainings(distillation, args, progress))]
        )


def _writing_to(scratch: str, args: DistillationTrainingArguments) -> DistillationTrainingArguments:
    """Return the arguments of a run that leaves nothing: no output, no cache, no repository."""
    return replace(
        args,
        output_dir=scratch,
        resume_from_checkpoint=find_checkpoint(args),
        push_to_hub=False,
        report_to="none",
        teacher_cache=None,
        teacher_cache_dtype="float16",
    )


def _output_folder(args: DistillationTrainingArguments) -> Iterator[Finding]:
    """Say what the run will refuse, which does not matter here: nothing is written there."""
    try:
        check_output_folder(str(args.output_dir), args.resume_from_checkpoint)
    except ValueError as error:
        yield Finding("output folder", f"distill will refuse it. {error}", "warning", "Give another output_dir.")


def _prepared(seconds: float) -> Finding:
    says = f"data and models are read and encoded in {in_words(seconds)}, as the run will do again."
    return Finding("configuration", says, figures={"preparing_seconds": seconds})


def _of_trainings(
    distillation: Distillation, args: DistillationTrainingArguments, progress: Progress
) -> Iterator[Finding]:
    for title, trainer in distillation.trainings():
        progress.stage(f"Try a few steps of the {title}")
        student = title == STUDENT
        found = preflight(
            trainer,
            asked=args if student else _elsewhere(trainer.args, args.output_dir),
            max_length=distillation.decided["max_length"],
            evaluations=int(student),
        )
        yield from found if student else (_of(title, each) for each in found)


def _elsewhere(args: Any, folder: str | None) -> Any:
    changed = copy.copy(args)
    changed.output_dir = folder
    return changed


def _of(title: str, finding: Finding) -> Finding:
    """Say of which training a finding is."""
    figures = {f"{title}/{name}": value for name, value in finding.figures.items()}
    return replace(finding, topic=f"{finding.topic}, {title}", figures=figures)


def _in_all(preparing: float, findings: Iterator[Finding]) -> list[Finding]:
    """Add how long all trainings take together, where there are several."""
    found = [*findings]
    times = [value for each in found for name, value in each.figures.items() if name.split("/")[-1] == "seconds"]
    whole = preparing + sum(times)

    if len(times) > 1:
        found.append(Finding("time in all", f"{in_words(whole)}.", figures={"seconds_in_all": whole}))
    return found
