"""What a command writes to whoever called it: where nobody reads that any more, the work goes on to its end."""

import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from typing import Any, TextIO, cast

from .exit import FAILED

UNREAD = 141
"""128 and the number of SIGPIPE: what a shell tells of any program that wrote to a pipe without a reader."""


class Output:
    """A stream of text that takes all that is written to it, also where it can no longer be written to.

    Args:
        stream: Standard output or error; None where the program was started without it.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream: TextIO = io.StringIO() if stream is None else stream
        self.error: OSError | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write a text, or drop it."""
        self._try(lambda: self._stream.write(text))
        return len(text)

    def writelines(self, lines: Any) -> None:
        """Write texts, or drop them."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Hand on what is buffered, or drop it."""
        self._try(self._stream.flush)

    def _try(self, step: Callable[[], object]) -> None:
        if self.error is not None:
            return

        try:
            step()
        except OSError as error:
            self.error = error
            self._lead_nowhere()

    def _lead_nowhere(self) -> None:
        """Have what is buffered go nowhere: the interpreter writes that when it ends, and would complain."""
        with suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)


@contextmanager
def outliving_readers() -> Iterator[Output]:
    """Around a command: no work is lost because nobody reads what it says. Yields its standard output."""
    out, error = Output(sys.stdout), Output(sys.stderr)
    with redirect_stdout(cast(TextIO, out)), redirect_stderr(cast(TextIO, error)):
        try:
            yield out
        finally:
            out.flush()
            error.flush()


def exit_code(code: int, out: Output) -> int:
    """Return the exit code of a command that has ended with `code`, in view of what became of its output."""
    if code or out.error is None:
        return code
    if isinstance(out.error, BrokenPipeError):
        return UNREAD

    sys.stderr.write(f"hf-multiteacher: Cannot write to the standard output: {out.error.strerror}\n")
    return FAILED
