"""The command `hf-multiteacher doctor`: whether a configuration will work, how long it takes and what it needs."""

import argparse
import sys
from typing import Any

from .exit import FINISHED, user_errors

STOPPED = 1


def add(commands: Any) -> argparse.ArgumentParser:
    """Describe the command; its other words are the keys of a configuration, as those of `distill`."""
    doctor = commands.add_parser(
        "doctor",
        help="look at a configuration before you distil: will it work, how long, how much memory",
        usage="hf-multiteacher doctor [CONFIG.yaml] [--KEY VALUE ...]",
        description="Look at a configuration before you distil: teachers, text, a few timed steps, memory, disk. "
        "Nothing is kept. Every key of `distill` is also a flag here. Exit code 1 where something stands in the way, "
        "2 where the configuration cannot be read.",
        examples=[
            "hf-multiteacher doctor config.yaml",
            "hf-multiteacher doctor config.yaml --per-device-train-batch-size 32",
        ],
        takes_more=True,
    )
    doctor.add_argument("--json", metavar="FILE", help="where all findings are left; by default nowhere")
    doctor.add_argument("--verbose", action="store_true", help="show the libraries' own bars and notes too")
    return doctor


def run(parsed: argparse.Namespace) -> int:
    """Look, print what was found and return the exit code."""
    from ..recipes.configuration.configuration import read_config
    from ..recipes.doctor import examine
    from ..recipes.terminal.progress import Progress

    with user_errors():
        configuration = read_config(parsed.training_options, writes=False)

    with Progress(2, verbose=parsed.verbose) as progress:
        with user_errors():
            found = examine(*configuration, progress)

    with user_errors():
        if parsed.json:
            found.write(parsed.json)
    sys.stdout.write(f"{found}\n")
    return STOPPED if found.level == "stop" else FINISHED
