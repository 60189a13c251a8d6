"""A disk that takes no more, told in one line by whatever command meets it."""

from collections.abc import Iterator
from contextlib import contextmanager

from .exit import leave


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
        advice = "" if "Make room" in str(error) else ". Make room, or name another folder, and start again"
        leave(f"{error}{advice}")
