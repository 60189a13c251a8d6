"""Keys of 128 bits and the places of their entries, 24 bytes each, in sorted arrays."""

from typing import NamedTuple

import numpy as np

MISSING = -1


class Run(NamedTuple):
    """Some keys with their places, sorted by the first halves of the keys."""

    first: np.ndarray
    second: np.ndarray
    places: np.ndarray

    @classmethod
    def of(cls, first: np.ndarray, second: np.ndarray, places: np.ndarray) -> "Run":
        """Sort keys and places that are in any order."""
        order = np.argsort(first, kind="stable")
        return cls(first[order], second[order], places[order])

    def find(self, keys: np.ndarray, places: np.ndarray) -> None:
        """Write the places of the keys that are here into `places`."""
        asked = np.arange(len(keys))
        at = np.searchsorted(self.first, keys[:, 0])

        # Keys are hashes, so a second turn, for another key with the same first half, hardly ever comes.
        while asked.size:
            alike = at < len(self.first)
            alike[alike] = self.first[at[alike]] == keys[asked[alike], 0]
            asked, at = asked[alike], at[alike]

            same = self.second[at] == keys[asked, 1]
            places[asked[same]] = self.places[at[same]]
            asked, at = asked[~same], at[~same] + 1


class Index:
    """Where the entry of a key is.

    It grows by runs, which are merged when they are of a size: that keeps them few, and no key is sorted often.
    """

    def __init__(self) -> None:
        self._runs: list[Run] = []

    def add(self, keys: np.ndarray, places: np.ndarray) -> None:
        """Take up keys, [entries, 2], and their places."""
        self._runs.append(Run.of(keys[:, 0], keys[:, 1], places))

        while len(self._runs) > 1 and len(self._runs[-2].places) < 2 * len(self._runs[-1].places):
            last, before = self._runs.pop(), self._runs.pop()
            self._runs.append(Run.of(*map(np.concatenate, zip(before, last, strict=True))))

    def find(self, keys: np.ndarray) -> np.ndarray:
        """Return the places of keys, [entries, 2], and `MISSING` for those that are not here."""
        places = np.full(len(keys), MISSING, np.int64)
        for run in self._runs:
            run.find(keys, places)
        return places
