"""What is said of a file of a cache that is not what was written there."""

from pathlib import Path


class DamagedCacheError(ValueError):
    """A file of a cache was cut or changed, or stands where it does not belong; nothing of it is used."""


def damaged(path: Path, what: str) -> DamagedCacheError:
    """Make the error for a file.

    Args:
        path: The file.
        what: What is wrong with it, in the words that follow its name.
    """
    return DamagedCacheError(
        f"{path} {what}: it is not used. Remove it with `hf-multiteacher cache prune DIR`, where DIR is the folder of "
        "the cache, and what it held is computed again."
    )
