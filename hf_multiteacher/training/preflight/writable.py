"""Whether files can be made in a folder, or below what is there of its path: only an attempt tells for sure."""

from pathlib import Path
from tempfile import TemporaryFile


def nearest_there(folder: str | Path) -> Path:
    """Return a path, or the nearest one above it that is there."""
    path = Path(folder).absolute()
    return next(each for each in (path, *path.parents) if each.exists())


def obstacle_to_writing(folder: str | Path) -> str | None:
    """Say what keeps a folder from being written to, or from being made; None where nothing does.

    Args:
        folder: It need not be there yet, nor those above it.
    """
    place = nearest_there(folder)
    if not place.is_dir():
        return f"'{place}' is a file"

    try:
        with TemporaryFile(dir=place):
            return None
    except FileNotFoundError:  # the answer of a system that keeps no files there; the folder itself is not missing
        return f"'{place}' takes no files"
    except OSError as error:
        return f"'{place}' takes no files ({error.strerror})"
