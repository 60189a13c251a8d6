"""One kind of output of one teacher: keys and arrays, in memory until a shard of them is full, then on disk."""

import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from .buffer import Buffer
from .entries import require_keys, rounded
from .header import DTYPES
from .index import MISSING, Index
from .shard import SUFFIX, MappedShard, Shard, write_shard

SHARD_BYTES = 64 * 2**20
MOST_OPEN = 64  # a mapped file keeps a descriptor, of which a process has some thousand
ENTRY_BITS = 32  # a place is the number of a shard, and in its lower bits that of an entry


class Store:
    """Entries of one teacher and one kind: a key of 128 bits -> an array of rows.

    Several processes may read and write the same store: each writes shards of its own, whole or not at all. A worker
    that gets a store by a fork or a pickle reads what is on the disk, and never writes what its parent has buffered.

    Args:
        folder: Where its shards are; made with the first of them.
        teacher: Fingerprint of the teacher.
        kind: Kind of output, such as `logits`.
        width: Numbers in a row.
        dtype: `float16` or `float32`.
        shard_bytes: How much is buffered before a shard is written.

    Raises:
        DamagedCacheError: The index of a shard was changed, or the shard is of another teacher or kind.
        ValueError: The store has rows of another width or dtype.
    """

    _buffer: Buffer

    def __init__(
        self, folder: Path, teacher: str, kind: str, width: int, dtype: str, shard_bytes: int = SHARD_BYTES
    ) -> None:
        if dtype not in DTYPES:
            raise ValueError(f"Store expects one of the dtypes {[*DTYPES]}, but got '{dtype}'.")

        self.folder, self.teacher, self.kind = folder, teacher, kind
        self.width, self.dtype, self.shard_bytes = width, dtype, shard_bytes
        self._index = Index()
        self._names: set[str] = set()
        self._shards: list[Shard | None] = []
        self._start_afresh()
        self.refresh()

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what is of this process alone: the buffer, and the files that are open."""
        return {name: value for name, value in vars(self).items() if name not in ("_buffer", "_mapped")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._start_afresh()

    @property
    def entries(self) -> int:
        """How many entries this process knows of; one that two processes wrote counts twice."""
        return sum(shard.header.entries for shard in self._finished()) + len(self._buffer.values)

    @property
    def bytes(self) -> int:
        """Their size, in files and in the buffer."""
        return sum(shard.header.size for shard in self._finished()) + self._buffer.bytes

    def find(self, keys: np.ndarray) -> np.ndarray:
        """Return the places of entries, for `read`; a place holds as long as the store, and in its copies.

        Args:
            keys: uint64, [entries, 2].

        Returns:
            int64, [entries]; -1 for an entry that is not here.

        Raises:
            ValueError: The keys are of another shape or type.
        """
        require_keys(keys)
        places = self._index.find(keys)

        if self._buffer.values:
            buffered = self._buffer.find(keys)
            here = buffered != MISSING
            places[here] = self._place(self._buffer.number, buffered[here])
        return places

    def read(self, places: np.ndarray, rows: int | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Read entries into one array, padded with 0; each is compared with its checksum.

        Args:
            places: int64, [entries], as `find` returned them.
            rows: How many rows each gets in the array; by default as many as the longest has.

        Returns:
            [entries, rows, width], and how many rows each entry has; int64, [entries].

        Raises:
            DamagedCacheError: An entry is not what was written.
            ValueError: A place is -1 or none of this store, or an entry has more rows than `rows`.
        """
        read = [self._read(place) for place in places.tolist()]
        counts = np.array([len(values) for values in read], np.int64)

        most = int(counts.max(initial=0))
        if rows is not None and most > rows:
            raise ValueError(f"Store.read expects entries of at most {rows} rows, but one has {most}. Give more rows.")

        padded = np.zeros((len(read), most if rows is None else rows, self.width), self.dtype)
        for into, values in zip(padded, read, strict=True):
            into[: len(values)] = values
        return padded, counts

    def add(self, keys: np.ndarray, values: Sequence[np.ndarray]) -> None:
        """Take up entries; those that are here already stay as they are. They can be found and read at once.

        Args:
            keys: uint64, [entries, 2].
            values: For each an array [its rows, width] of floats; rounded to the dtype of the store.

        Raises:
            OSError: A shard was full and cannot be written, as on a full disk; what is buffered stays readable.
            ValueError: Keys and values do not fit together or to the store, or a number is too large for its dtype.
        """
        missing = self.find(keys) == MISSING
        arrays = [rounded(each, self.kind, self.width, self.dtype) for each in values]
        if len(arrays) != len(keys):
            raise ValueError(f"Store.add expects one array per key, but got {len(arrays)} for {len(keys)} keys.")

        buffer = self._own_buffer()
        for (first, second), each, new in zip(keys.tolist(), arrays, missing, strict=True):
            if new:
                buffer.add((first, second), each)

        if buffer.bytes >= self.shard_bytes:
            self.flush()

    def flush(self) -> None:
        """Write what is buffered to the disk.

        Raises:
            OSError: It cannot be written; it stays in the buffer.
        """
        buffer = self._buffer
        if not (buffer.values and buffer.is_ours):
            return

        keys = buffer.keys()
        shard = write_shard(self.folder, self.teacher, self.kind, keys, buffer.values)

        self._shards[buffer.number] = shard
        self._names.add(shard.path.name)
        self._index.add(keys, self._place(buffer.number, np.arange(len(keys))))
        self._buffer = self._new_buffer()

    def refresh(self) -> None:
        """Take up the shards that other processes have finished since.

        Raises:
            DamagedCacheError: As when a store is made.
            ValueError: As when a store is made.
        """
        found = [name for name in sorted(_names_in(self.folder)) if name.endswith(SUFFIX) and name not in self._names]
        taken = [self._take(self.folder / name) for name in found]
        new = [each for each in taken if each]

        if new:
            keys, places = zip(*new, strict=True)
            self._index.add(np.concatenate(keys), np.concatenate(places))

    def _take(self, path: Path) -> tuple[np.ndarray, np.ndarray] | None:
        """Note a shard, and return its keys with their places; None where it was removed meanwhile."""
        try:
            shard = Shard.find(path, self.teacher, self.kind)
        except FileNotFoundError:
            return None
        self._require_fits(shard)

        mapped = MappedShard(shard)
        mapped.check_index()

        places = self._place(len(self._shards), np.arange(shard.header.entries))
        self._shards.append(shard)
        self._names.add(path.name)
        return mapped.keys.copy(), places

    def _require_fits(self, shard: Shard) -> None:
        header = shard.header
        if (header.width, header.dtype) != (self.width, self.dtype):
            raise ValueError(
                f"This run stores '{self.kind}' as rows of {self.width} {self.dtype}, but {shard.path} holds rows of "
                f"{header.width} {header.dtype}: they cannot be in one store. Say in the identity of the teacher what "
                "differs, or take the teacher out with `hf-multiteacher cache prune DIR --teacher NAME`."
            )

    def _read(self, place: int) -> np.ndarray:
        number, entry = divmod(place, 2**ENTRY_BITS)
        if number == self._buffer.number:
            return self._buffer.values[entry]

        shard = self._shards[number] if 0 <= number < len(self._shards) else None
        if shard is None:
            raise ValueError(f"Store.read expects places that Store.find returned, none of them -1, but got {place}.")
        return self._mapped(shard).read(entry)

    def _own_buffer(self) -> Buffer:
        """Return the buffer, a new one in the fork of a process."""
        if not self._buffer.is_ours:
            self._buffer = self._new_buffer()
        return self._buffer

    def _new_buffer(self) -> Buffer:
        self._shards.append(None)  # its number is kept for it: places hold when it has been written
        return Buffer(len(self._shards) - 1)

    def _start_afresh(self) -> None:
        self._mapped = lru_cache(MOST_OPEN)(MappedShard)
        self._buffer = self._new_buffer()

    def _finished(self) -> list[Shard]:
        return [shard for shard in self._shards if shard]

    @staticmethod
    def _place(number: int, entries: np.ndarray) -> np.ndarray:
        return (number << ENTRY_BITS) + entries


def _names_in(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except FileNotFoundError:  # nothing was written yet
        return []
