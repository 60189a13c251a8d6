"""Files that are whole or not there, whatever happens while they are written."""

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from safetensors import SafetensorError

TEMPORARY = ".tmp-"


def write_whole(folder: Path, write: Callable[[Path], str]) -> Path:
    """Have a file written under a temporary name, and give it its own once all of it is on the disk.

    Args:
        folder: Where it is to be; made if it is not there.
        write: Writes to the path that it is given, and returns the name that the file is to have.

    Returns:
        The path of the file.

    Raises:
        OSError: It could not be written, for example on a full disk; nothing is left of it.
    """
    temporary = folder / f"{TEMPORARY}{uuid4().hex}"

    try:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / write(temporary)
        _put_on_disk(temporary)
        os.replace(temporary, path)
        _put_on_disk(folder)
    except (OSError, SafetensorError) as error:
        raise _cannot_write(temporary, error) from error
    finally:
        with suppress(OSError):  # it has its name, or was never there
            temporary.unlink()

    return path


def _put_on_disk(path: Path) -> None:
    """Wait until a file, or the names in a folder, would outlive a power cut."""
    if path.is_dir() and not hasattr(os, "O_DIRECTORY"):  # Windows opens no folders
        return

    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _cannot_write(temporary: Path, error: OSError | SafetensorError) -> OSError:
    reason = error.strerror if isinstance(error, OSError) else None
    folder = temporary.parent
    written = temporary.stat().st_size if temporary.exists() else 0
    free = f"{shutil.disk_usage(folder).free:,} bytes are free there" if folder.is_dir() else "it is no folder"
    return OSError(
        error.errno if isinstance(error, OSError) else None,
        f"The cache of teachers' outputs cannot write to {folder}: {reason or error} after {written:,} bytes; "
        f"{free}. What was written before is whole and stays. Make room, or name another folder, and start again",
    )
