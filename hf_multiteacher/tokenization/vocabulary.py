"""Which outcomes the vocabularies of a student and a teacher share."""

import unicodedata
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from tokenizers.normalizers import Normalizer
from transformers import PreTrainedTokenizerFast

from .encoder import count_entries
from .spans import Integers, visible_code_points
from .surfaces import EntryMarks, TokenSurfaces

ROLES = ("pad", "mask", "cls", "sep", "bos", "eos")
STAND_IN = {"bos": "cls", "eos": "sep"}
MOST_ROUNDS = 5
COMMA_BELOW = str.maketrans("şţŞŢ", "șțȘȚ")


@dataclass(frozen=True, eq=False)
class SharedVocabulary:
    """The outcomes that a student's and a teacher's masked-language-model heads can be compared on.

    Entries of either vocabulary that stand for the same text (space and continuation marks dropped, both normalisers
    applied) are one outcome; special tokens are matched by their role. A text that only one side has is compared with
    comma below in the place of the Romanian cedilla, as the other side may spell it. Outcome 0, "other", holds the
    rest: entries that only one side has, parts of characters, white space and the unknown token. Vocabularies that are
    equal maps have one outcome per entry.

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
        keys: list[list[Hashable]]
        if student_tokenizer.get_vocab() == teacher_tokenizer.get_vocab():
            keys = [[*range(count_entries(tokenizer))] for tokenizer in tokenizers]
        else:
            normalise = _joint_normaliser(tokenizers)
            keys = _respelled([_outcome_keys(tokenizer, normalise) for tokenizer in tokenizers])

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


def _joint_normaliser(tokenizers: Sequence[PreTrainedTokenizerFast]) -> Callable[[str], str]:
    """What is left of a text when both tokenizers' normalisers, NFC and the loss of invisible characters are done."""
    invisible = dict.fromkeys(np.flatnonzero(~visible_code_points()).tolist())
    invisible |= dict.fromkeys(ord(mark) for mark in (EntryMarks(tokenizer).space for tokenizer in tokenizers) if mark)
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


def _respelled(keys: Sequence[list[Hashable]]) -> list[list[Hashable]]:
    """Write texts that only one side has with comma below in the place of the cedilla, as the other may spell them."""
    shared = set(keys[0]) & set(keys[1])
    return [
        [key.translate(COMMA_BELOW) if isinstance(key, str) and key not in shared else key for key in row]
        for row in keys
    ]


def _roles(tokenizer: PreTrainedTokenizerFast) -> dict[int, str]:
    """The role of each special token that has one; bos and eos stand in where cls and sep are missing."""
    indices = {role: getattr(tokenizer, f"{role}_token_id", None) for role in ROLES}

    roles: dict[int, str] = {}
    for role, index in indices.items():
        if index is not None and index != tokenizer.unk_token_id:
            missing = STAND_IN.get(role)
            roles.setdefault(index, missing if missing and indices[missing] is None else role)
    return roles
