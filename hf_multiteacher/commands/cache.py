"""The command `hf-multiteacher cache`: what is in a cache of teachers' outputs, what is damaged, what can go."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from .exit import FINISHED, user_errors

if TYPE_CHECKING:
    from ..cache.contents import TeacherFolder
    from ..cache.header import Header

DAMAGED = 1
WIDTH = 80


def add(commands: Any) -> argparse.ArgumentParser:
    """Describe the command and its options."""
    cache = commands.add_parser(
        "cache",
        help="look into a cache of teachers' outputs, check it, take out of it",
        description="Look into a cache of teachers' outputs, check it, or take out of it what can go.",
        examples=["hf-multiteacher cache info CACHE", "hf-multiteacher cache prune CACHE --teacher NAME --yes"],
    )
    cache.add_argument(
        "action",
        choices=("info", "verify", "prune"),
        help="info: what it holds; verify: read all of it, exit code 1 if a file is damaged; prune: remove damaged "
        "files and what killed processes left, or all of one teacher",
    )
    cache.add_argument("folder", metavar="DIR", help="the folder of the cache")
    cache.add_argument(
        "--teacher", metavar="NAME", help="this one alone: the name of its folder, or how it begins; by default all"
    )
    cache.add_argument("--yes", action="store_true", help="prune without a question")
    return cache


def run(parsed: argparse.Namespace) -> int:
    """Do what was asked for and return the exit code."""
    from ..cache.contents import teacher_folders

    with user_errors():
        if parsed.yes and parsed.action != "prune":
            raise ValueError(f"--yes belongs to prune: {parsed.action} asks no question. Leave it out.")
        teachers = teacher_folders(Path(parsed.folder), parsed.teacher)

        if parsed.action == "info":
            return _info(teachers)
        if parsed.action == "verify":
            return _verify(teachers)
        return _prune(teachers, parsed)


def _info(teachers: "Sequence[TeacherFolder]") -> int:
    from ..report.tables import aligned

    for teacher in teachers:
        kinds = [*teacher.kinds()]
        header = ["  kind", "entries", "rows", "width", "dtype", "shards", "size"]
        sys.stdout.write(f"{teacher.path.name}\n{_identity(teacher)}")
        sys.stdout.write(aligned([header, *(_row(kind, headers) for kind, headers, _ in kinds)]) + "\n")
        sys.stdout.write("".join(_notes(teacher, sum(damaged for _, _, damaged in kinds))) + "\n")

    paths = [path for teacher in teachers for path in (*teacher.shards(), *teacher.kept(), *teacher.leftovers())]
    sys.stdout.write(f"{_count(len(teachers), 'teacher')}, {_size(paths)}\n")
    return FINISHED


def _verify(teachers: "Sequence[TeacherFolder]") -> int:
    found = [error for teacher in teachers for _, error in teacher.damage()]

    sys.stdout.writelines(f"{error}\n" for error in found)
    shards = sum(len(teacher.shards()) for teacher in teachers)
    sys.stdout.write(f"{_count(shards, 'shard')} read: {_count(len(found), 'damaged file')}\n")
    return DAMAGED if found else FINISHED


def _prune(teachers: "Sequence[TeacherFolder]", parsed: argparse.Namespace) -> int:
    from ..cache.pruning import everything, remove, useless

    chosen = {teacher: (everything if parsed.teacher else useless)(teacher) for teacher in teachers}
    paths = [path for found in chosen.values() for path in found]
    sys.stdout.writelines(f"{path}\n" for path in paths)
    amount = f"{_count(len(paths), 'file')}, {_size(paths)}"

    if paths and not parsed.yes and not _agreed(amount):
        sys.stdout.write("nothing removed\n")
        return FINISHED

    for teacher, found in chosen.items():
        remove(teacher, found)
    sys.stdout.write(f"{amount} removed\n")
    return FINISHED


def _agreed(amount: str) -> bool:
    """Ask for leave to remove.

    Raises:
        ValueError: Nobody is there to be asked.
    """
    if not sys.stdin.isatty():
        raise ValueError(f"Nothing removed: {amount} would be, and nobody can be asked here. Add --yes.")

    sys.stdout.write(f"Remove {amount}? [y/N] ")
    sys.stdout.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _identity(teacher: "TeacherFolder") -> str:
    """Write what the outputs were computed from, as far as it is short."""
    from ..cache.damage import DamagedCacheError

    try:
        identity = teacher.identity()
    except DamagedCacheError as error:
        return f"{error}\n"

    lines = []
    for name, value in identity.items():
        if isinstance(value, str | int | float):
            lines += wrap(f"{name}: {value}", WIDTH - 2, subsequent_indent="  ", break_on_hyphens=False)
    return "".join(f"  {line}\n" for line in lines)


def _row(kind: str, headers: "Sequence[Header]") -> list[str]:
    from ..cache.sizes import bytes_in_words

    counts = [sum(header.entries for header in headers), sum(header.rows for header in headers)]
    widths, dtypes = ("/".join(sorted({str(getattr(each, name)) for each in headers})) for name in ("width", "dtype"))
    size = bytes_in_words(sum(header.size for header in headers))
    return [f"  {kind}", *(f"{count:,}" for count in counts), widths, dtypes, f"{len(headers):,}", size]


def _notes(teacher: "TeacherFolder", damaged: int) -> list[str]:
    """Say what is there beside entries."""
    kept, leftovers = teacher.kept(), teacher.leftovers()

    notes = [f"  and {path.name}, {_size([path])}\n" for path in kept]
    if damaged:
        notes.append(f"  {_count(damaged, 'damaged shard')}: `cache verify` names them, `cache prune` removes them\n")
    if leftovers:
        amount = f"{_count(len(leftovers), 'temporary file')}, {_size(leftovers)}"
        notes.append(f"  {amount}: being written, or left by a process that was killed\n")
    return notes


def _size(paths: Sequence[Path]) -> str:
    from ..cache.sizes import bytes_in_words

    return bytes_in_words(sum(path.stat().st_size for path in paths if path.exists()))


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
