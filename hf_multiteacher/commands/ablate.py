"""The command `hf-multiteacher ablate`: arms x seeds of a distillation from one file, and the table they make."""

import argparse
import sys
from typing import Any

from .exit import FINISHED, STOPPED, user_errors

USAGE = "hf-multiteacher ablate CONFIG.yaml [--KEY VALUE ...]"


def add(commands: Any) -> argparse.ArgumentParser:
    """Describe the command; its words are the keys of an ablation and of a distillation."""
    ablate = commands.add_parser(
        "ablate",
        help="what teachers, weightings and unlabelled text are worth: arms x seeds from one file, compared",
        usage=USAGE,
        description="Distil a student in several ways (arms) with several seeds, and compare them by paired "
        "bootstrap. The file holds `arms`, `seeds`, `teachers`, and the keys of `hf-multiteacher distill` that all "
        "arms share. What is finished is kept in output_dir and never run again. Every key is also a flag, which "
        "overrides it.",
        examples=[
            "hf-multiteacher ablate config.yaml",
            "hf-multiteacher ablate config.yaml --seeds 4 5 6 --half 2",
            "hf-multiteacher ablate config.yaml --report",
        ],
        takes_more=True,
    )
    ablate.add_argument("--report", action="store_true", help="run nothing: only compare what is finished")
    ablate.add_argument("--verbose", action="store_true", help="show the libraries' own bars and notes too")
    return ablate


def run(parsed: argparse.Namespace) -> int:
    """Run what is missing, write what was found, print the tables and return the exit code."""
    from ..recipes.ablation.ablation import Ablation
    from ..recipes.ablation.configuration import read_ablation
    from ..recipes.ablation.distillation import UnfitError
    from ..recipes.stopping import LearnedNothingError, TrainingStoppedError
    from ..recipes.terminal.progress import Progress
    from ..training.finite_steps import NotFiniteError

    with Progress(0, verbose=parsed.verbose) as progress:
        with user_errors():
            ablation = Ablation(*read_ablation(parsed.training_options))
            if not parsed.report:
                ablation.check()
        if not parsed.report:
            with (
                user_errors(kinds=(NotFiniteError, LearnedNothingError, UnfitError)),
                user_errors(kinds=(TrainingStoppedError,), code=STOPPED),
            ):
                ablation.run(progress)
        with user_errors():
            text = ablation.report()

    sys.stdout.write(text)
    return FINISHED
