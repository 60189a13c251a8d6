"""Files that are whole or not there, whatever happens while they are written: written beside, and then renamed."""

import errno
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from safetensors import SafetensorError

TEMPORARY = ".tmp-"
NOTHING_HALF = "Nothing half-written is left; what was written before is whole and stays"
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)
NUMBERS = "|".join(map(str, FULL))
FULL_IN_WORDS = re.compile(  # safetensors and tokenizers give the number in a text, torch mostly not even that
    rf"\(os error ({NUMBERS})\)|unable to resize file.*\(({NUMBERS})\)"
    r"|PytorchStreamWriter failed|inline_container\.cc.*unexpected pos",
    re.DOTALL,
)


def write_named(folder: Path, write: Callable[[Path], str]) -> Path:
    """Have a file written under a temporary name, and give it its own once all of it is on the disk.

    Args:
        folder: Where it is to be; made if it is not there.
        write: Writes to the path that it is given, and returns the name that the file is to have.

    Returns:
        The path of the file.

    Raises:
        OSError: It could not be written, for example on a full disk; nothing is left of it, and an older file of its
            name is as it was.
    """
    part = folder / f"{TEMPORARY}{uuid4().hex}"

    try:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / write(part)
        _put_on_disk(part)
        os.replace(part, path)
        _put_on_disk(folder)
    except (OSError, SafetensorError) as error:
        if isinstance(error, OSError) and error.errno is None:  # none of the disk's, and told in words already
            raise
        written = part.stat().st_size if part.exists() else 0
        what = f"{_reason(error)} after {written:,} bytes; {_room(folder)}. {NOTHING_HALF}"
        raise _cannot_write(folder, what, error) from error
    finally:
        with suppress(OSError):  # it has its name, or was never there
            part.unlink()

    return path


def write_whole(path: str | Path, write: Callable[[Path], object]) -> Path:
    """Have a file written whole or not at all, in place of the one that is there.

    Args:
        path: Where it is to be. A device or a pipe is written to as it is.
        write: Writes to the path that it is given.

    Raises:
        OSError: As in `write_named`.
    """
    path = Path(path)
    if path.exists() and not path.is_file():  # to rename a file over a device would take that away
        write(path)
        return path

    def write_and_name(part: Path) -> str:
        write(part)
        return path.name

    return write_named(path.parent, write_and_name)


def write_text(path: str | Path, text: str) -> Path:
    """Write a text in UTF-8, whole or not at all.

    Raises:
        OSError: As in `write_named`.
    """
    return write_whole(path, lambda part: part.write_text(text, encoding="utf-8"))


def copy_whole(source: str | Path, path: str | Path) -> Path:
    """Copy what a file holds, whole or not at all.

    Raises:
        OSError: As in `write_named`.
    """
    return write_whole(path, lambda part: shutil.copyfile(source, part))


def is_full_disk(error: BaseException | None) -> bool:
    """Whether an error, of whatever kind, or one that it came from tells of a disk that takes no more."""
    while error is not None:
        if getattr(error, "errno", None) in FULL or FULL_IN_WORDS.search(str(error)):
            return True
        error = error.__cause__ or error.__context__
    return False


@contextmanager
def saving_to(folder: str | Path) -> Iterator[None]:
    """Around what a library writes: name the folder where the disk takes no more, in one kind of error.

    Raises:
        OSError: It does not; what is half-written there stays, and cannot be loaded.
    """
    try:
        yield
    except Exception as error:
        if not is_full_disk(error):
            raise
        what = f"{_reason(error)}; {_room(Path(folder))}. What is half-written there cannot be loaded"
        raise _cannot_write(Path(folder), what, error) from error


def _put_on_disk(path: Path) -> None:
    """Wait until a file, or the names in a folder, would outlive a power cut."""
    if path.is_dir() and not hasattr(os, "O_DIRECTORY"):  # Windows opens no folders
        return

    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _cannot_write(folder: Path, what: str, error: Exception) -> OSError:
    said = f"Cannot write to {folder}: {what}. Make room, or name another folder, and start again"
    number = getattr(error, "errno", None)
    return OSError(said) if number is None else OSError(number, said)


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or " ".join(str(error).split())


def _room(folder: Path) -> str:
    if not folder.is_dir():
        return "it is no folder"
    return f"{shutil.disk_usage(folder).free:,} bytes are free there"
