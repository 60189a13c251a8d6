"""The pieces through which a BPE vocabulary makes a longer one."""

from typing import Any


class Merges:
    """The merges of a BPE model.

    Args:
        model: Its state, as in a tokenizer's JSON.
    """

    def __init__(self, model: dict[str, Any]) -> None:
        self._prefix = model.get("continuing_subword_prefix") or ""
        self._suffix = model.get("end_of_word_suffix") or ""
        self._ranks = {(left, right): rank for rank, (left, right) in enumerate(model["merges"])}

    def joined(self, left: str, right: str) -> str:
        """Return what a merge makes of its two parts."""
        return left + right.removeprefix(self._prefix)

    def parts(self, piece: str) -> set[str]:
        """Return all that is met on the way from the characters of a piece to the piece.

        Whatever stands around it in a text, the merges inside it come in the same order as when it stands alone.
        """
        symbols = self._characters(piece)
        met = set(symbols)

        while len(symbols) > 1:
            pairs = [*zip(symbols, symbols[1:], strict=False)]
            place = min(range(len(pairs)), key=lambda at: self._ranks.get(pairs[at], len(self._ranks)))
            if pairs[place] not in self._ranks:
                break

            symbols[place : place + 2] = [self.joined(*pairs[place])]
            met.add(symbols[place])

        return met

    def _characters(self, piece: str) -> list[str]:
        marked = self._prefix and piece.startswith(self._prefix)
        text = piece.removeprefix(self._prefix).removesuffix(self._suffix)
        symbols = [self._prefix + character for character in text]
        if symbols and not marked:
            symbols[0] = text[0]
        if symbols and self._suffix and piece.endswith(self._suffix):
            symbols[-1] += self._suffix

        return symbols
