"""Entries in memory, until they are many enough for a shard."""

import os

import numpy as np

from .index import MISSING

Key = tuple[int, int]

ENTRY_BYTES = 256
"""About what an entry takes in memory beside its values: an array, a key, two numbers, a line in a table."""


class Buffer:
    """Entries on their way to a shard.

    Attributes:
        number: That of the shard which they will be.
        values: The entries, each [rows, width].
        bytes: The memory that they take.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.values: list[np.ndarray] = []
        self.bytes = 0
        self._entries: dict[Key, int] = {}
        self._process = os.getpid()

    @property
    def is_ours(self) -> bool:
        """Whether this process filled it; what a fork finds in it is written by its parent."""
        return self._process == os.getpid()

    def add(self, key: Key, values: np.ndarray) -> None:
        """Take up an entry, unless it is here already."""
        if key not in self._entries:
            self._entries[key] = len(self.values)
            self.values.append(values.copy())
            self.bytes += values.nbytes + ENTRY_BYTES

    def find(self, keys: np.ndarray) -> np.ndarray:
        """Return which entry each of the keys has, or `MISSING`."""
        return np.array([self._entries.get((first, second), MISSING) for first, second in keys.tolist()], np.int64)

    def keys(self) -> np.ndarray:
        """Return the keys in the order of the entries; [entries, 2]."""
        return np.array([*self._entries], "<u8").reshape(-1, 2)
