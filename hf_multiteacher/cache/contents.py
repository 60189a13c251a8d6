"""The files of a cache, found from its folder alone; links are never followed, and what is not ours is not seen."""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from ..whole_file import TEMPORARY
from .damage import DamagedCacheError, damaged
from .header import Header
from .kept_files import KEPT, check_kept
from .manifest import NAME, SHORT, read_manifest
from .shard import SUFFIX, MappedShard, Shard
from .teacher_cache import SIGN

SHARD = re.compile(rf"[0-9a-f]{{32}}{re.escape(SUFFIX)}")
LEFTOVER = re.compile(rf"{re.escape(TEMPORARY)}[0-9a-f]{{32}}")


@dataclass(frozen=True)
class TeacherFolder:
    """The folder of one teacher.

    Attributes:
        path: Where it is.
    """

    path: Path

    def shards(self) -> list[Path]:
        """Files of entries, by kind."""
        return [path for path in self._files() if SHARD.fullmatch(path.name) and path.parent != self.path]

    def kept(self) -> list[Path]:
        """Further files that were kept beside them."""
        return [path for path in self._files() if KEPT.fullmatch(path.name) and path.parent == self.path]

    def leftovers(self) -> list[Path]:
        """Files that are being written, or whose process was killed."""
        return [path for path in self._files() if LEFTOVER.fullmatch(path.name)]

    def manifest(self) -> list[Path]:
        """The manifest, where there is one."""
        return [path for path in self._files() if path == self.path / NAME]

    def sign(self) -> Path:
        """The empty file by which the folder is known."""
        return self.path / SIGN

    def identity(self) -> dict[str, Any]:
        """Return what the outputs were computed from.

        Raises:
            DamagedCacheError: The manifest is damaged, or not there.
        """
        return self._manifest()[1]

    def damage(self) -> Iterator[tuple[Path, DamagedCacheError]]:
        """Read everything; yield each damaged file, and what is wrong with it."""
        teacher = self._fingerprint()

        for path in [*self.manifest(), *self.kept(), *self.shards()]:
            try:
                with suppress(FileNotFoundError):  # another process has removed it
                    self._check(path, teacher)
            except DamagedCacheError as error:
                yield path, error

    def kinds(self) -> Iterator[tuple[str, list[Header], int]]:
        """Yield each kind of output with the headers of its shards, and how many shards have none that can be read."""
        teacher = self._fingerprint()

        for kind, paths in groupby(sorted(self.shards(), key=self._kind), self._kind):
            headers = [self._header(path, teacher) for path in paths]
            whole = [header for header in headers if header]
            yield kind, whole, len(headers) - len(whole)

    def _check(self, path: Path, teacher: str) -> None:
        if path.name == NAME:
            self._manifest()
        elif path.parent == self.path:
            check_kept(path)
        else:
            shard = MappedShard(Shard.find(path, teacher, self._kind(path)))
            shard.check_index()
            shard.check_values()

    def _header(self, path: Path, teacher: str) -> Header | None:
        try:
            return Shard.find(path, teacher, self._kind(path)).header
        except DamagedCacheError:
            return None

    def _kind(self, path: Path) -> str:
        return path.parent.relative_to(self.path).as_posix()

    def _manifest(self) -> tuple[str, dict[str, Any]]:
        try:
            return read_manifest(self.path)
        except FileNotFoundError as error:
            raise damaged(self.path / NAME, "is not there") from error

    def _fingerprint(self) -> str:
        """The teacher's fingerprint; where the manifest is damaged, how it begins."""
        try:
            return self._manifest()[0]
        except DamagedCacheError:
            return self.path.name[-SHORT:]

    def _files(self) -> list[Path]:
        return sorted(path for path in _walk(self.path) if path.is_file() and not path.is_symlink())


def teacher_folders(folder: Path, name: str | None = None) -> list[TeacherFolder]:
    """Find the teachers' folders in a cache.

    Args:
        folder: That of the whole cache.
        name: Of one teacher: that of its folder, or how it begins.

    Raises:
        FileNotFoundError: There is no such folder.
        ValueError: It is not that of a cache, or no teacher or several have the name.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"There is no folder '{folder}'. Give that of a cache of teachers' outputs.")

    paths = sorted(path for path in folder.iterdir() if not path.is_symlink() and (path / SIGN).is_file())
    if not paths:
        raise ValueError(f"'{folder}' is no cache of teachers' outputs: no folder in it has the sign of one, {SIGN}.")

    found = [path for path in paths if name is None or (name and path.name.startswith(name))]
    if name is not None and len(found) != 1:
        there = ", ".join(path.name for path in found or paths)
        raise ValueError(
            f"{len(found)} teachers in '{folder}' have the name '{name}'{': ' if found else '; there are '}{there}. "
            f"Give {'more of the name' if found else 'one of these names, or how it begins'}."
        )
    return [TeacherFolder(path) for path in found]


def _walk(folder: Path) -> Iterator[Path]:
    """Yield all that is below a folder, but not behind a link."""
    for path in folder.iterdir():
        yield path
        if path.is_dir() and not path.is_symlink():
            yield from _walk(path)
