"""Which outcomes the vocabularies of a student and a teacher share, and which text an entry stands for."""

import json
import re
import unicodedata
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np
from tokenizers import models
from tokenizers.normalizers import Normalizer
from transformers import PreTrainedTokenizerFast

from .spans import Integers, visible_code_points

UNKNOWN_TEXT = "\N{REPLACEMENT CHARACTER}"
ROLES = ("pad", "mask", "cls", "sep", "bos", "eos")
STAND_IN = {"bos": "cls", "eos": "sep"}
MOST_ROUNDS = 5
NO_SPACE_BEFORE = frozenset(character.encode() for character in ".,;:!?)]}%…”»'’-")
NO_SPACE_AFTER = frozenset(character.encode() for character in "([{„«“'’-")
BYTE_PIECE = re.compile(r"<0x([0-9A-Fa-f]{2})>")


@cache
def _bytes_of_characters() -> dict[str, int]:
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


class _Marks:
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
        if step["type"] == "Replace" and step["content"] == " ":
            return step["pattern"].get("String")
        return step["replacement"] if step["type"] == "Metaspace" else None

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
        if self.byte_level and all(character in _bytes_of_characters() for character in entry):
            return bytes(_bytes_of_characters()[character] for character in entry)
        if self.byte_fallback and (byte := BYTE_PIECE.fullmatch(entry)):
            return bytes([int(byte[1], 16)])
        return (entry.replace(self.space, " ") if self.space else entry).encode("utf-8", "replace")


class TokenSurfaces:
    """The text that each token id of a fast tokenizer adds to running text.

    Attributes:
        pieces: per id its UTF-8 bytes, with a space in front where the entry starts a word (`Ġcarte`, `▁carte` and
            `carte` of a WordPiece vocabulary: b" carte"; `##te`: b"te"); a byte-level piece may be a part of a
            character. `None`: the id stands for no known text (special and unknown tokens, unused ids).
        special: [ids], whether the id is a special token other than the unknown token.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerFast) -> None:
        marks = _Marks(tokenizer)
        self._spaces_lost = marks.spaces_lost
        vocabulary = tokenizer.get_vocab()
        self.pieces: list[bytes | None] = [None] * (max(vocabulary.values(), default=-1) + 1)
        self.special = np.zeros(len(self.pieces), bool)
        for entry, index in vocabulary.items():
            self.pieces[index] = marks.text_of(entry)
        for index, added in tokenizer.added_tokens_decoder.items():
            self.pieces[index] = (b" " if marks.spaces_lost else b"") + added.content.encode()
            self.special[index] = added.special
        self.special[tokenizer.all_special_ids] = True
        for index in np.flatnonzero(self.special).tolist():
            self.pieces[index] = None
        if tokenizer.unk_token_id is not None:
            self.special[tokenizer.unk_token_id] = False
            self.pieces[tokenizer.unk_token_id] = None

    def rebuild(self, ids: Sequence[int]) -> tuple[str, Integers]:
        """Rebuild the text that token ids came from, as far as they tell.

        Unknown tokens become U+FFFD, special tokens a space, bytes that are no UTF-8 one U+FFFD each. Where a
        WordPiece tokenizer forgot the spaces around punctuation, they are put as is usual.

        Returns:
            The text, and [tokens, 2]: start and end of each token in it, in characters. Tokens that are parts of one
            character all have its start and end.
        """
        pieces = [self._piece_in_text(index) for index in ids]
        if self._spaces_lost:
            pieces = _glue_punctuation(pieces)
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


@dataclass(frozen=True, eq=False)
class SharedVocabulary:
    """The outcomes that a student's and a teacher's masked-language-model heads can be compared on.

    Entries of either vocabulary that stand for the same text (space and continuation marks dropped, both normalisers
    applied) are one outcome; special tokens are matched by their role. Outcome 0, "other", holds the rest: entries
    that only one side has, parts of characters, white space and the unknown token. Vocabularies that are equal maps
    have one outcome per entry.

    Attributes:
        student_outcomes: [student vocabulary], the outcome of each entry of the student's logits.
        teacher_outcomes: [teacher vocabulary], the same for the teacher.
        num_outcomes: how many outcomes there are, "other" included.
    """

    student_outcomes: Integers
    teacher_outcomes: Integers
    num_outcomes: int

    @classmethod
    def from_tokenizers(
        cls,
        student_tokenizer: PreTrainedTokenizerFast,
        teacher_tokenizer: PreTrainedTokenizerFast,
        student_size: int | None = None,
        teacher_size: int | None = None,
    ) -> "SharedVocabulary":
        """Compare the vocabularies of two fast tokenizers.

        Args:
            student_tokenizer: the student's tokenizer.
            teacher_tokenizer: the teacher's tokenizer.
            student_size: width of the student's logits where the model is wider than its tokenizer; the extra entries
                are "other".
            teacher_size: the same for the teacher.

        Raises:
            ValueError: logits are narrower than the tokenizer's vocabulary.
        """
        tokenizers = [student_tokenizer, teacher_tokenizer]
        if student_tokenizer.get_vocab() == teacher_tokenizer.get_vocab():
            keys = [_identities(tokenizer) for tokenizer in tokenizers]
        else:
            normalise = _joint_normaliser(tokenizers)
            keys = [_outcome_keys(tokenizer, normalise) for tokenizer in tokenizers]
        student_keys, teacher_keys = (
            _widen(row, size, name)
            for row, size, name in zip(keys, (student_size, teacher_size), ("student", "teacher"), strict=True)
        )
        shared = set(student_keys) & set(teacher_keys) - {None}
        numbers = {key: 1 + rank for rank, key in enumerate(dict.fromkeys(k for k in student_keys if k in shared))}
        student_outcomes, teacher_outcomes = (
            np.array([numbers.get(key, 0) for key in row], np.int64) for row in (student_keys, teacher_keys)
        )
        return cls(student_outcomes, teacher_outcomes, 1 + len(numbers))

    @property
    def student_share(self) -> float:
        """Share of the student's entries that have a shared outcome."""
        return float(np.mean(self.student_outcomes > 0))

    @property
    def teacher_share(self) -> float:
        """Share of the teacher's entries that have a shared outcome."""
        return float(np.mean(self.teacher_outcomes > 0))


def shared_mass(outcomes: Integers, counts: Integers) -> float:
    """Share of the occurrences on a corpus that fall on entries with a shared outcome.

    Args:
        outcomes: [vocabulary], the outcome of each entry, 0 = other.
        counts: [vocabulary], how often each entry occurs.
    """
    return float(np.sum(counts, where=outcomes > 0) / np.sum(counts))


def _widen(keys: list[Hashable], size: int | None, name: str) -> list[Hashable]:
    if size is not None and size < len(keys):
        raise ValueError(
            f"SharedVocabulary expects the {name}'s logits to cover its tokenizer's {len(keys)} entries, but they "
            f"have {size}: some tokens could never be predicted. Resize the {name}'s embeddings to the tokenizer "
            "(model.resize_token_embeddings), or pass the tokenizer that the model was trained with."
        )
    return keys + [None] * ((size or len(keys)) - len(keys))


def _identities(tokenizer: PreTrainedTokenizerFast) -> list[Hashable]:
    """One key per entry: the id itself."""
    indices = set(tokenizer.get_vocab().values())
    return [index if index in indices else None for index in range(max(indices) + 1)]


def _joint_normaliser(tokenizers: Sequence[PreTrainedTokenizerFast]) -> Callable[[str], str]:
    """What is left of a text when both tokenizers' normalisers, NFC and the loss of invisible characters are done."""
    invisible = dict.fromkeys(np.flatnonzero(~visible_code_points()).tolist())
    invisible |= dict.fromkeys(ord(mark) for mark in (_Marks(tokenizer).space for tokenizer in tokenizers) if mark)
    normalisers = [tokenizer.backend_tokenizer.normalizer for tokenizer in tokenizers]
    return partial(_normalise, normalisers=[step for step in normalisers if step], invisible=invisible)


def _normalise(text: str, normalisers: Sequence[Normalizer], invisible: dict[int, None]) -> str:
    # One normaliser may make work for the other (NFKC, then lower case), so repeat until nothing changes.
    for _ in range(MOST_ROUNDS):
        before = text
        for normaliser in normalisers:
            text = normaliser.normalize_str(text)
        text = unicodedata.normalize("NFC", text).translate(invisible)
        if text == before:
            break
    return text


def _outcome_keys(tokenizer: PreTrainedTokenizerFast, normalise: Callable[[str], str]) -> list[Hashable]:
    """What each entry stands for: its visible text, its role, or `None`."""
    surfaces = TokenSurfaces(tokenizer)
    keys: list[Hashable] = [None] * len(surfaces.pieces)
    for index, piece in enumerate(surfaces.pieces):
        if piece is not None:
            try:
                keys[index] = normalise(piece.decode()) or None
            except UnicodeDecodeError:  # a part of a character
                continue
    for index in np.flatnonzero(surfaces.special).tolist():
        keys[index] = ("special", tokenizer.convert_ids_to_tokens(index))
    for index, role in _roles(tokenizer).items():
        keys[index] = ("role", role)
    return keys


def _roles(tokenizer: PreTrainedTokenizerFast) -> dict[int, str]:
    """The role of each special token that has one; bos and eos stand in where cls and sep are missing."""
    indices = {role: getattr(tokenizer, f"{role}_token_id", None) for role in ROLES}
    roles: dict[int, str] = {}
    for role, index in indices.items():
        if index is not None and index != tokenizer.unk_token_id:
            missing = STAND_IN.get(role)
            roles.setdefault(index, missing if missing and indices[missing] is None else role)
    return roles
