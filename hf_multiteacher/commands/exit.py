"""What every command shares: its exit codes, and one line for what the user can mend."""

import sys
from collections.abc import Callable
from typing import TypeVar

FINISHED, FAILED = 0, 2
Prepared = TypeVar("Prepared")


def prepared(prepare: Callable[[], Prepared], program: str = "hf-multiteacher") -> Prepared | None:
    """Return what is ready to run; or say in one line what is wrong with what the user gave, and return None."""
    try:
        return prepare()
    except (OSError, TypeError, ValueError) as error:
        sys.stderr.write(f"{program}: {' '.join(str(error).split())}\n")
        return None
