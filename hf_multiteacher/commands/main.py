"""The command `hf-multiteacher`: its words, and what is common to them."""

import os
import sys
from collections.abc import Sequence
from typing import cast

from ..recipes.configuration.did_you_mean import did_you_mean
from ..version import __version__
from . import ablate, benchmark, cache, demo, distill, doctor, evaluate, loyalty, push, report
from .disk import disk_errors
from .exit import FINISHED, INTERRUPTED, PROGRAM, Failed, write_everywhere
from .outputs import exit_code, outliving_readers
from .parser import CommandParser

COMMANDS = (demo, doctor, distill, report, ablate, push, loyalty, evaluate, benchmark, cache)
"""The words on the command line; each file describes its options in `add` and does its work in `run`."""
OPTIONS = ["-h", "--help", "--version"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `hf-multiteacher` and return its exit code; what the user can mend is one line, and code 2; see `exit.py`.

    Without a word it prints its help, with code 0: nothing was asked for, and nothing failed.

    Args:
        arguments: The words after the command's name; those of the command line by default.
    """
    write_everywhere()
    words = sys.argv[1:] if arguments is None else arguments
    parser = _parser()
    if not words:
        parser.print_help()
        return FINISHED

    _expect_known(parser, words[0])
    parsed, others = parser.parse_known_args(words)
    parsed.training_options = others

    # Threads that wait actively for one another make small models many times slower; torch reads this when imported.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")

    try:
        with outliving_readers() as out, disk_errors():
            code = parsed.run(parsed)
    except Failed as failed:
        return int(cast(int, failed.code))
    except KeyboardInterrupt:
        sys.stderr.write(f"\n{PROGRAM}: interrupted\n")
        return INTERRUPTED
    return exit_code(code, out)


def _parser() -> CommandParser:
    parser = CommandParser(
        prog=PROGRAM,
        description="Distil one student from several teachers.",
        examples=[f"{PROGRAM} demo --quick", f"{PROGRAM} distill config.yaml", f"{PROGRAM} COMMAND --help"],
        takes_more=True,
    )
    parser.add_argument("--version", action="version", version=__version__)

    commands = parser.add_subparsers(required=True, metavar="COMMAND", title="commands", parser_class=CommandParser)
    for command in COMMANDS:
        command.add(commands).set_defaults(run=command.run)
    return parser


def _expect_known(parser: CommandParser, word: str) -> None:
    """Refuse a first word that is neither a command nor an option before one."""
    names = [command.__name__.rpartition(".")[2] for command in COMMANDS]
    kind, known = ("option", OPTIONS) if word.startswith("-") else ("command", names)

    if word not in known:
        parser.error(f"there is no {kind} '{word}'.{did_you_mean(word, known)}")


if __name__ == "__main__":
    sys.exit(main())
