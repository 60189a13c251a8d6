"""The program behind `examples/ner.py` and its siblings: one Romanian task, its teachers and its student."""

import sys
from collections.abc import Sequence
from pathlib import Path

from ..recipes.arguments import read_arguments
from ..recipes.experiment import Experiment, ExperimentArguments, report
from ..training.finite_steps import NotFiniteError
from ..training.saving import CheckpointNotWrittenError
from ..training_args import DistillationTrainingArguments
from .exit import FAILED, FINISHED, Failed, user_errors, write_everywhere


def run_task(key: str, words: Sequence[str] | None = None) -> int:
    """Run an experiment from the command line, print quality and loyalty, and return the exit code.

    Args:
        key: `upos`, `xpos`, `ner`, `sapn`, `sar`, `di` or `sts`.
        words: Maybe a YAML file, then flags: `ExperimentArguments` and `DistillationTrainingArguments`. Default:
            those of the command line.
    """
    write_everywhere()
    try:
        _run(key, sys.argv[1:] if words is None else words, program=Path(sys.argv[0]).name)
    except Failed:
        return FAILED
    return FINISHED


def _run(key: str, words: Sequence[str], program: str) -> None:
    kinds = (ExperimentArguments, DistillationTrainingArguments)
    defaults = {"output_dir": f"romanian-{key}", "save_strategy": "no"}
    with user_errors(program):
        experiment = Experiment(key, *read_arguments(kinds, words, defaults))

    with user_errors(program, kinds=(NotFiniteError, CheckpointNotWrittenError)):
        figures = experiment.run()
    if experiment.args.should_save:
        sys.stdout.write(f"\n{report(experiment.task.metric, figures)}\n\n{experiment.task.citation}\n")

    with user_errors(program):
        experiment.push()
