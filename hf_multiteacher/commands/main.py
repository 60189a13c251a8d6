"""The command `hf-multiteacher`: its words, and what is common to them."""

import argparse
import os
import sys
from collections.abc import Sequence
from functools import partial
from typing import Any

from ..version import __version__
from . import cache, demo, distill, evaluate, loyalty, push
from .exit import FAILED, Failed, write_everywhere

COMMANDS = (demo, distill, push, loyalty, evaluate, cache)
"""The words on the command line; each file describes its options in `add` and does its work in `run`."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `hf-multiteacher` and return its exit code; what the user can mend is one line, and code 2.

    Args:
        arguments: The words after the command's name; those of the command line by default.
    """
    write_everywhere()
    parser = _parser()
    parsed, others = parser.parse_known_args(arguments)
    if others and parsed.run not in (distill.run, evaluate.run):
        parser.error(f"unrecognized arguments: {' '.join(others)}")
    parsed.training_options = others

    # Threads that wait actively for one another make small models many times slower; torch reads this when imported.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")

    try:
        return parsed.run(parsed)
    except Failed:
        return FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="hf-multiteacher", description="Distil one student from several teachers.")
    parser.add_argument("--version", action="version", version=__version__)

    exact: Any = partial(argparse.ArgumentParser, allow_abbrev=False)
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=exact)
    for command in COMMANDS:
        command.add(commands).set_defaults(run=command.run)
    return parser


if __name__ == "__main__":
    sys.exit(main())
