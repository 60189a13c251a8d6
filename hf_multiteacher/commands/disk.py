"""A disk that takes no more, told in one line by whatever command meets it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from .exit import Failed


@contextmanager
def disk_errors() -> Iterator[None]:
    """Around a command: say in one line that a file could not be written, and leave.

    Raises:
        Failed: The line was written.
    """
    try:
        yield
    except Exception as error:  # the libraries have kinds of their own
        from ..whole_file import is_full_disk

        if not is_full_disk(error):
            raise
        said = " ".join(str(error).split())
        advice = "" if "Make room" in said else ". Make room, or name another folder, and start again"
        sys.stderr.write(f"hf-multiteacher: {said}{advice}\n")
        raise Failed from error
