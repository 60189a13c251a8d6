"""The folder of one teacher in a cache."""

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from . import kept_files, manifest
from .damage import damaged
from .store import SHARD_BYTES, Store

SIGN = ".hf-multiteacher-cache"
"""An empty file, so that nothing in it can be damaged: a folder that lacks it is none of ours."""

KIND = re.compile(r"\w[\w-]*(/\w[\w-]*)*", re.ASCII)
LONGEST_NAME = 60


class TeacherCache:
    """What one teacher said of texts, on disk: a folder below the folder of the cache.

    Another teacher, revision, tokenizer or precision is another identity and has another folder, so that one is never
    read for the other.

    Args:
        folder: Folder of the whole cache; made if it is not there.
        name: A name of the teacher for people, which begins that of its folder.
        identity: All that its outputs depend on beside what it reads, as JSON.

    Attributes:
        folder: Folder of this teacher.
        fingerprint: SHA-256 of the identity.

    Raises:
        DamagedCacheError: The manifest in the folder is damaged, or says another identity.
        OSError: The folder cannot be made.
        TypeError: The identity is no JSON.

    Example:
        >>> from tempfile import mkdtemp
        >>> import numpy as np
        >>> cache = TeacherCache(mkdtemp(), "org/teacher", {"teacher": "org/teacher", "revision": "1a2b3c4"})
        >>> store = cache.store("logits", width=3, dtype="float32")
        >>> keys = np.array([[1, 2], [3, 4]], np.uint64)
        >>> store.add(keys, [np.ones((2, 3), np.float32), np.zeros((1, 3), np.float32)])
        >>> values, rows = store.read(store.find(keys))
        >>> values.shape, rows.tolist()
        ((2, 2, 3), [2, 1])
    """

    def __init__(self, folder: str | os.PathLike[str], name: str, identity: Mapping[str, Any]) -> None:
        self.fingerprint = manifest.fingerprint(identity)
        self.folder = Path(folder) / f"{_readable(name)}-{self.fingerprint[: manifest.SHORT]}"
        self._make_folder()

        try:
            written, _ = manifest.read_manifest(self.folder)
        except FileNotFoundError:
            manifest.write_manifest(self.folder, identity)
        else:
            if written != self.fingerprint:
                raise damaged(self.folder / manifest.NAME, f"is of fingerprint {written}, not {self.fingerprint}")

    def store(self, kind: str, width: int, dtype: str, shard_bytes: int = SHARD_BYTES) -> Store:
        """Open the store of one kind of output, such as `logits` or `states/6`.

        Raises:
            DamagedCacheError: As `Store`.
            ValueError: The kind is no name, or as `Store`.
        """
        if not KIND.fullmatch(kind):
            raise ValueError(f"TeacherCache expects a kind such as 'logits' or 'states/6', but got '{kind}'.")
        return Store(self.folder / kind, self.fingerprint, kind, width, dtype, shard_bytes)

    def save_file(self, name: str, write: Callable[[Path], object]) -> Path:
        """Keep a further file, whole or not at all.

        Args:
            name: Such as `head.safetensors`; the checksum is put into it.
            write: Writes the file to the path that it is given.

        Returns:
            Where it is.

        Raises:
            OSError: It cannot be written; nothing is left of it.
            ValueError: The name is no plain one.
        """
        return kept_files.keep(self.folder, name, write)

    def file(self, name: str) -> Path | None:
        """Return where a file is that was kept under a name, or None.

        Raises:
            DamagedCacheError: It was changed.
            ValueError: The name is no plain one.
        """
        return kept_files.kept(self.folder, name)

    def _make_folder(self) -> None:
        sign = self.folder / SIGN
        if not sign.exists():  # a folder that is there may be one that may only be read
            self.folder.mkdir(parents=True, exist_ok=True)
            sign.touch()


def _readable(name: str) -> str:
    """Turn a name into one that every disk takes."""
    return re.sub(r"[^\w.-]+", "-", name, flags=re.ASCII).strip(".-")[:LONGEST_NAME] or "teacher"
