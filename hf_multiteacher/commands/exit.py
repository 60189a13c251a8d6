"""What every command shares: its exit codes, and one line for what the user can mend."""

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

PROGRAM = "hf-multiteacher"
FINISHED, FAILED = 0, 2


class Failed(SystemExit):
    """The user can mend what went wrong and was told so; a program that lets this pass ends with code `FAILED`."""

    def __init__(self) -> None:
        super().__init__(FAILED)


def write_everywhere() -> None:
    """Have a terminal or file that lacks a letter get its code, where Python would end with an error."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def leave(message: str, program: str = PROGRAM) -> NoReturn:
    """Say in one line what is wrong, and leave.

    Raises:
        Failed: Always.
    """
    sys.stderr.write(f"{program}: {' '.join(message.split())}\n")
    raise Failed


@contextmanager
def user_errors(
    program: str = PROGRAM, kinds: tuple[type[Exception], ...] = (OSError, TypeError, ValueError)
) -> Iterator[None]:
    """Around the steps that read what the user gave: say in one line what is wrong with it, and leave.

    What goes wrong elsewhere, as in a training, is a fault and keeps its traceback.

    Args:
        program: What the line begins with.
        kinds: What the user can mend.

    Raises:
        Failed: The line was written.
    """
    try:
        yield
    except BrokenPipeError:  # nobody reads what was said: nothing that the user gave is wrong
        raise
    except kinds as error:
        leave(str(error), program)
