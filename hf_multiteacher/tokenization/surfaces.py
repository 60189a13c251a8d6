"""The text that the entries of a tokenizer's vocabulary stand for, and texts rebuilt from token ids."""

import json
import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import numpy as np
from tokenizers import models
from transformers import PreTrainedTokenizerFast

from .spans import Booleans, Integers

UNKNOWN_TEXT = "\N{REPLACEMENT CHARACTER}"
NO_SPACE_BEFORE = frozenset(character.encode() for character in ".,;:!?)]}%…”»'’-")
NO_SPACE_AFTER = frozenset(character.encode() for character in "([{„«“'’-")
BYTE_PIECE = re.compile(r"<0x([0-9A-Fa-f]{2})>")


@cache
def bytes_of_characters() -> dict[str, int]:
    """The byte that each character of a byte-level vocabulary stands for (the table of GPT-2)."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(256 + rank): byte for rank, byte in enumerate(others)}


def _steps(component: Any) -> Iterator[dict[str, Any]]:
    """The settings of a decoder or pre-tokenizer, one step of a sequence after the other."""
    if component is None:
        return

    state = json.loads(component.__getstate__())
    pending = [state]
    while pending:
        step = pending.pop()
        yield step
        pending.extend(step.get("decoders", []) + step.get("pretokenizers", []))


class EntryMarks:
    """How a tokenizer marks spaces, continuations and bytes in its entries, read off its model and decoder."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast) -> None:
        backend = tokenizer.backend_tokenizer
        model = backend.model
        steps = [*_steps(backend.decoder)] or [*_steps(backend.pre_tokenizer)]
        types = {step["type"] for step in steps}

        self.byte_level = "ByteLevel" in types
        self.byte_fallback = "ByteFallback" in types
        self.space = next((mark for mark in map(self._space_of, steps) if mark), None)
        self.continuation = getattr(model, "continuing_subword_prefix", None) or None
        self.word_end = getattr(model, "end_of_word_suffix", None) or None
        self.spaces_lost = isinstance(model, models.WordPiece | models.WordLevel) or self.continuation is not None

    @staticmethod
    def _space_of(step: dict[str, Any]) -> str | None:
        if step["type"] == "Metaspace":
            return step["replacement"]
        if step["type"] != "Replace" or step["content"] != " ":
            return None

        mark = step["pattern"].get("String", "")
        return mark if len(mark) == 1 else None

    def text_of(self, entry: str) -> bytes:
        """The bytes that an entry adds to running text, the space before a word included."""
        before, after = b"", b""
        if self.continuation is not None and entry.startswith(self.continuation):
            entry = entry[len(self.continuation) :]
        elif self.spaces_lost:
            before = b" "

        if self.word_end is not None and entry.endswith(self.word_end):
            entry, after = entry[: -len(self.word_end)], b" "
        return before + self._unmark(entry) + after

    def _unmark(self, entry: str) -> bytes:
        if self.byte_level and all(character in bytes_of_characters() for character in entry):
            return bytes(bytes_of_characters()[character] for character in entry)
        if self.byte_fallback and (byte := BYTE_PIECE.fullmatch(entry)):
            return bytes([int(byte[1], 16)])
        return (entry.replace(self.space, " ") if self.space else entry).encode()


class TokenSurfaces:
    """The text that each token id of a fast tokenizer adds to running text.

    Attributes:
        pieces: per id its UTF-8 bytes, with a space in front where the entry starts a word (`Ġcarte`, `▁carte` and
            `carte` of a WordPiece vocabulary: b" carte"; `##te`: b"te"); a byte-level piece may be a part of a
            character. `None`: the id stands for no known text (special and unknown tokens, unused ids).
        special: [ids], whether the id is a special token other than the unknown token.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerFast) -> None:
        marks = EntryMarks(tokenizer)
        self._spaces_lost = marks.spaces_lost
        vocabulary = tokenizer.get_vocab()
        self.pieces: list[bytes | None] = [None] * (max(vocabulary.values(), default=-1) + 1)
        self.special = np.zeros(len(self.pieces), bool)

        for entry, index in vocabulary.items():
            self.pieces[index] = marks.text_of(entry)
        for index, added in tokenizer.added_tokens_decoder.items():
            self.pieces[index] = (b" " if marks.spaces_lost else b"") + added.content.encode()
            self.special[index] = added.special

        for index in np.flatnonzero(self.special).tolist():
            self.pieces[index] = None
        if tokenizer.unk_token_id is not None:
            self.special[tokenizer.unk_token_id] = False

    def rebuild(self, ids: Sequence[int], word_starts: Booleans | None = None) -> tuple[str, Integers]:
        """Rebuild the text that token ids came from, as far as they tell.

        Unknown tokens become U+FFFD, special tokens a space, bytes that are no UTF-8 one U+FFFD each. Where a
        WordPiece tokenizer forgot the spaces around punctuation, they are put as is usual.

        Args:
            ids: the tokens.
            word_starts: [tokens], where words begin that the tokens do not mark.

        Returns:
            The text, and [tokens, 2]: start and end of each token in it, in characters. Tokens that are parts of one
            character all have its start and end.
        """
        pieces = [self._piece_in_text(index) for index in ids]
        if self._spaces_lost:
            pieces = _glue_punctuation(pieces)
        if word_starts is not None:
            pieces = [b" " + piece if new else piece for piece, new in zip(pieces, word_starts, strict=True)]

        text = b"".join(pieces).decode("utf-8", "surrogateescape")
        code_points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
        widths = 1 + (code_points >= 0x80) + (code_points >= 0x800).astype(np.int64) + (code_points >= 0x10000)
        widths[(code_points >= 0xDC80) & (code_points <= 0xDCFF)] = 1
        character_of_byte = np.append(np.repeat(np.arange(len(widths)), widths), len(widths))

        lengths = np.fromiter(map(len, pieces), np.int64, len(pieces))
        ends = np.cumsum(lengths)
        starts = ends - lengths
        last = np.where(lengths > 0, character_of_byte[np.maximum(ends - 1, 0)] + 1, character_of_byte[starts])

        text = re.sub("[\udc80-\udcff]", UNKNOWN_TEXT, text)
        return text, np.stack([character_of_byte[starts], last], axis=1)

    def _piece_in_text(self, index: int) -> bytes:
        piece = self.pieces[index]
        if piece is not None:
            return piece
        return b" " if self.special[index] else f" {UNKNOWN_TEXT} ".encode()


def _glue_punctuation(pieces: list[bytes]) -> list[bytes]:
    """Write punctuation as usual where the tokenizer forgot the spaces: `ne-am`, not `ne - am`."""
    result = []
    for previous, piece in zip([b"", *pieces], pieces, strict=False):
        bare = piece.lstrip(b" ")
        result.append(bare if bare in NO_SPACE_BEFORE or previous.strip() in NO_SPACE_AFTER else piece)
    return result
