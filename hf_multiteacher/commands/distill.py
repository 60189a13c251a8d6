"""The command `hf-multiteacher distill`: from a configuration to a student."""

import argparse
import shlex
import sys
from typing import Any

from .exit import FINISHED, STOPPED, leave, user_errors

RESUME = "resume_from_checkpoint"
USAGE = "hf-multiteacher distill [CONFIG.yaml] [--KEY VALUE ...]"


def add(commands: Any) -> argparse.ArgumentParser:
    """Describe the command; its words are the keys of a configuration, which `recipes.arguments` reads."""
    distill = commands.add_parser(
        "distill",
        help="distil a student from your teachers and data",
        usage=USAGE,
        description="Distil a student from teachers: for your own labelled data, for text, or for a Romanian task. "
        "Every key of the YAML file is also a flag, which overrides it.",
        examples=[
            "hf-multiteacher distill config.yaml --max-steps 100",
            "hf-multiteacher distill --task ner --teachers A B --output-dir student",
            "hf-multiteacher distill --keys",
        ],
        takes_more=True,
    )
    distill.add_argument("--keys", action="store_true", help="explain every key, and do nothing else")
    distill.add_argument("--verbose", action="store_true", help="show the libraries' own bars and notes too")
    return distill


def run(parsed: argparse.Namespace) -> int:
    """Distil, leave the student with its card, print what was measured and return the exit code."""
    if parsed.keys:
        from ..recipes.configuration.keys import explain

        sys.stdout.write(explain())
        return FINISHED

    from ..recipes.configuration.configuration import read_config
    from ..recipes.distillation import plan
    from ..recipes.stopping import LearnedNothingError, TrainingStoppedError
    from ..recipes.terminal.progress import Progress
    from ..training.finite_steps import NotFiniteError
    from ..training.saving import CheckpointNotWrittenError

    with user_errors():
        distillation = plan(*read_config(parsed.training_options))

    with Progress(distillation.stages, verbose=parsed.verbose) as progress:
        with user_errors():
            distillation.prepare(progress)
        with (
            user_errors(kinds=(NotFiniteError, LearnedNothingError, CheckpointNotWrittenError)),
            user_errors(kinds=(TrainingStoppedError,), code=STOPPED),
        ):
            distillation.train(progress)
        with user_errors():
            measured = distillation.finish(progress, command_of(parsed.training_options))

    if distillation.trainer.is_world_process_zero():
        sys.stdout.write(measured)
    if distillation.failed:
        leave(
            f"The student is saved, but not all of the rest is there. As said above: {', '.join(distillation.failed)}."
        )
    return FINISHED


def command_of(words: list[str]) -> str:
    """Return the command that the user has called, for the card; to make the student anew nothing is resumed."""
    flags: list[list[str]] = [[]]  # each with its values, behind what stands before the first
    for word in words:
        if word.startswith("--"):
            flags.append([])
        flags[-1].append(word)

    repeated = [word for flag in flags if not _resumes(flag) for word in flag]
    return f"hf-multiteacher distill {shlex.join(repeated)}"


def _resumes(flag: list[str]) -> bool:
    return bool(flag) and flag[0].replace("-", "_").partition("=")[0] == f"__{RESUME}"
