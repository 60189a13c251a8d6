"""One file of a store: entries with their keys, each with a checksum of its own."""

import hashlib
import mmap
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4
from zlib import crc32

import numpy as np

from ..whole_file import write_whole
from .damage import damaged
from .header import Header, read_header, require_belongs

SUFFIX = ".safetensors"


@dataclass(frozen=True)
class Shard:
    """A finished file, known by its header.

    Attributes:
        path: Where it is.
        header: What it holds.
    """

    path: Path
    header: Header

    @classmethod
    def find(cls, path: Path, teacher: str, kind: str) -> "Shard":
        """Read the header of a shard that is said to be of this teacher and kind.

        Raises:
            DamagedCacheError: It is damaged, or of another.
        """
        header = read_header(path)
        require_belongs(path, header, teacher, kind)
        return cls(path, header)


class MappedShard:
    """The content of a shard, read from the disk as it is asked for.

    Attributes:
        keys: uint64, [entries, 2].

    Raises:
        DamagedCacheError: The file is gone, or has another size than its header says.
    """

    def __init__(self, shard: Shard) -> None:
        self._path, self._size = shard.path, shard.header.size

        try:
            with shard.path.open("rb") as file:
                self._require_size(os.fstat(file.fileno()).st_size)
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except FileNotFoundError as error:
            raise damaged(shard.path, "was removed while it was in use") from error

        arrays, offsets = shard.header.arrays, shard.header.offsets()
        self.keys, self._starts, self._checksums, self._values = (
            np.ndarray(shape, dtype, self._map, offsets[name]) for name, (dtype, _, shape) in arrays.items()
        )
        self._checksum = shard.header.checksum

    def check_index(self) -> None:
        """Compare everything but the values with the checksum in the header.

        Raises:
            DamagedCacheError: They differ.
        """
        if _index_checksum(self.keys, self._starts, self._checksums) != self._checksum:
            raise damaged(self._path, "has keys, starts or checksums that were changed")

    def read(self, entry: int) -> np.ndarray:
        """Return an entry, [rows, width], as a view of the file.

        Raises:
            DamagedCacheError: It is not what was written under its key.
        """
        # Reading beyond the end of a file that was cut meanwhile would end the process.
        self._require_size(self._map.size())

        begin, end = self._starts[entry : entry + 2].tolist()
        values = self._values[begin:end]
        if _entry_checksum(self.keys[entry], values) != self._checksums[entry]:
            raise damaged(self._path, f"has values that were changed, in entry {entry}")
        return values

    def check_values(self) -> None:
        """Read all entries.

        Raises:
            DamagedCacheError: One is not what was written.
        """
        for entry in range(len(self.keys)):
            self.read(entry)

    def _require_size(self, size: int) -> None:
        if size != self._size:
            raise damaged(self._path, f"has {size:,} bytes and should have {self._size:,}")


def write_shard(folder: Path, teacher: str, kind: str, keys: np.ndarray, values: Sequence[np.ndarray]) -> Shard:
    """Write entries to a new file, under a name that nobody else takes.

    Args:
        folder: Where the shards of this teacher and kind are.
        teacher: Fingerprint of the teacher.
        kind: Kind of output.
        keys: uint64, [entries, 2].
        values: For each entry an array [rows, width] of one dtype; at least one.

    Raises:
        OSError: As in `write_whole`.
    """
    starts = np.cumsum([0, *map(len, values)], dtype="<i8")
    checksums = np.array([_entry_checksum(*entry) for entry in zip(keys, values, strict=True)], "<u4")
    checksum = _index_checksum(keys, starts, checksums)
    width, dtype = values[0].shape[1], values[0].dtype.name
    header = Header(teacher, kind, dtype, width, len(keys), int(starts[-1]), checksum)

    def write(part: Path) -> None:
        with part.open("xb") as file:
            file.write(header.encoded())
            for array in (keys, starts, checksums, *values):
                file.write(np.ascontiguousarray(array).data)

    return Shard(write_whole(folder / f"{uuid4().hex}{SUFFIX}", write), header)


def _index_checksum(*arrays: np.ndarray) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _entry_checksum(key: np.ndarray, values: np.ndarray) -> int:
    return crc32(values.data, crc32(key.data))
