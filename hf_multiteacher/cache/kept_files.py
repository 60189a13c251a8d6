"""Further small files beside a teacher's outputs, whose names say what is in them: a change does not pass."""

import hashlib
import re
from collections.abc import Callable
from pathlib import Path

from ..whole_file import write_named
from .damage import damaged

KEPT = re.compile(r"(?P<stem>[\w-]+)-(?P<checksum>[0-9a-f]{16})(?P<suffix>\.\w+)", re.ASCII)
NAME = re.compile(r"[\w-]+\.\w+", re.ASCII)


def keep(folder: Path, name: str, write: Callable[[Path], object]) -> Path:
    """Have a file written, and give it a name that holds its checksum.

    Raises:
        OSError: As in `write_named`.
        ValueError: The name is no plain one.
    """
    wanted = _plain(name)

    def write_and_name(part: Path) -> str:
        write(part)
        return f"{wanted.stem}-{_checksum(part)}{wanted.suffix}"

    return write_named(folder, write_and_name)


def kept(folder: Path, name: str) -> Path | None:
    """Return the path of a file that was kept under a name, or None.

    Raises:
        DamagedCacheError: It was changed.
        ValueError: The name is no plain one.
    """
    wanted = _plain(name)

    for path in sorted(folder.glob(f"{wanted.stem}-*{wanted.suffix}")):
        match = KEPT.fullmatch(path.name)
        if match and match["stem"] == wanted.stem:
            check_kept(path)
            return path
    return None


def check_kept(path: Path) -> None:
    """Compare a kept file with the checksum in its name.

    Raises:
        DamagedCacheError: They differ.
    """
    match = KEPT.fullmatch(path.name)
    if match is None or _checksum(path) != match["checksum"]:
        raise damaged(path, "was changed")


def _plain(name: str) -> Path:
    if not NAME.fullmatch(name):
        raise ValueError(f"TeacherCache expects the name of a file, such as 'head.safetensors', but got '{name}'.")
    return Path(name)


def _checksum(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(2**20):
            digest.update(part)
    return digest.hexdigest()[:16]
