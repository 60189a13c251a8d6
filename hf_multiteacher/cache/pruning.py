"""What can be taken out of a cache, and how."""

import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from .contents import TeacherFolder

SECONDS = 3600
"""A temporary file that nobody wrote to for so long is a leftover: one is written in seconds."""


def useless(teacher: TeacherFolder) -> list[Path]:
    """List the files that no run can use: damaged ones, and leftovers of processes that were killed."""
    leftovers = [path for path in teacher.leftovers() if _is_old(path)]
    return [*leftovers, *(path for path, _ in teacher.damage())]


def everything(teacher: TeacherFolder) -> list[Path]:
    """List all files of a teacher that are the cache's; its sign comes last, so that half a removal can go on."""
    return [*teacher.leftovers(), *teacher.shards(), *teacher.kept(), *teacher.manifest(), teacher.sign()]


def remove(teacher: TeacherFolder, paths: Iterable[Path]) -> None:
    """Remove files of a teacher, and folders that are empty then."""
    for path in paths:
        path.unlink(missing_ok=True)
        _remove_empty(path.parent, teacher.path)


def _remove_empty(folder: Path, teacher: Path) -> None:
    with suppress(OSError):  # it is not empty, or was removed by another
        folder.rmdir()
        if folder != teacher:
            _remove_empty(folder.parent, teacher)


def _is_old(path: Path) -> bool:
    try:
        return time.time() - path.stat().st_mtime > SECONDS
    except FileNotFoundError:  # it has become a shard meanwhile
        return False
