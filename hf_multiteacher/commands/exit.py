"""What every command shares: its exit codes, and one line for what the user can mend."""

import io
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

PROGRAM = "hf-multiteacher"
FINISHED, FAILED, INTERRUPTED, STOPPED = 0, 2, 130, 143
"""All was done; the user can mend what stands in the way; Ctrl+C, and asked to stop: the shell's codes for signals."""
ERRNO = re.compile(r"\[Errno -?\d+\] ")
"""The system's number of an error, which says nothing to a person."""


class Failed(SystemExit):
    """The user was told in a line why a command did not do all; a program that lets this pass ends with its code.

    Args:
        code: `FAILED`, where the user can mend it, or `STOPPED`.
    """

    def __init__(self, code: int = FAILED) -> None:
        super().__init__(code)


def write_everywhere() -> None:
    """Have a terminal or file that lacks a letter get its code, where Python would end with an error."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def leave(message: str, program: str = PROGRAM, code: int = FAILED) -> NoReturn:
    """Say in one line what is wrong, and leave with a code.

    Raises:
        Failed: Always.
    """
    told = ERRNO.sub("", " ".join(message.split()))
    sys.stderr.write(f"{program}: {told}\n")
    raise Failed(code)


@contextmanager
def user_errors(
    program: str = PROGRAM,
    kinds: tuple[type[Exception], ...] = (OSError, TypeError, ValueError),
    code: int = FAILED,
) -> Iterator[None]:
    """Around the steps that read what the user gave: say in one line what is wrong with it, and leave.

    What goes wrong elsewhere, as in a training, is a fault and keeps its traceback.

    Args:
        program: What the line begins with.
        kinds: What the user can mend.
        code: With which it leaves.

    Raises:
        Failed: The line was written.
    """
    try:
        yield
    except BrokenPipeError:  # nobody reads what was said: nothing that the user gave is wrong
        raise
    except kinds as error:
        leave(str(error), program, code)
