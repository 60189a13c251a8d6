"""Which of a teacher's entries each entry of a student's vocabulary starts from."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from tokenizers import models
from transformers import PreTrainedTokenizerFast

from .encoder import count_entries, require_fast
from .settings import unchanged
from .spans import Booleans
from .surfaces import BYTE_PIECE, NO_SPACE_BEFORE, EntryMarks, TokenSurfaces
from .vocabulary import ROLES

NEIGHBOUR = "a"
"""The letter that stands before a piece which continues a word."""
OTHER_ROLE = {"bos": "cls", "cls": "bos", "eos": "sep", "sep": "eos"}


@dataclass(frozen=True, eq=False)
class VocabularyTransfer:
    """What the embeddings of a vocabulary start from: fast vocabulary transfer.

    An entry of the same text in the same place (at the start of a word or inside) is copied, and special tokens by
    their role. Of any other, the teacher's tokenizer says of which pieces it would be made there: their mean. What the
    teacher cannot read is left. Gee et al., 2022, "Fast Vocabulary Transfer for Language Model Compression".

    Attributes:
        tokenizer: The student's.
        sources: Per id of the student the teacher's ids; none for one that is left.
        copied: `[ids]`, whether it is copied.
        teacher_entries: How many ids the teacher's tokenizer has.
    """

    tokenizer: PreTrainedTokenizerFast
    sources: list[list[int]]
    copied: Booleans
    teacher_entries: int

    @classmethod
    def from_tokenizers(
        cls, student_tokenizer: PreTrainedTokenizerFast, teacher_tokenizer: PreTrainedTokenizerFast
    ) -> "VocabularyTransfer":
        """Compare two fast tokenizers.

        Args:
            student_tokenizer: The student's tokenizer.
            teacher_tokenizer: The tokenizer of the teacher whose embeddings the student starts from.

        Raises:
            TypeError: One of them is not a fast tokenizer.
        """
        for owner, tokenizer in (("the student", student_tokenizer), ("the teacher", teacher_tokenizer)):
            require_fast(owner, tokenizer)

        sources = _equal_entries(student_tokenizer, teacher_tokenizer)
        copied = np.array([bool(ids) for ids in sources], bool)

        reader = _Reader(teacher_tokenizer)
        surfaces = TokenSurfaces(student_tokenizer)
        for index in np.flatnonzero(~copied & ~surfaces.special).tolist():
            sources[index] = reader.pieces_of(surfaces.pieces[index])

        return cls(student_tokenizer, sources, copied, count_entries(teacher_tokenizer))

    @property
    def averaged(self) -> Booleans:
        """`[ids]`, whether it is the mean of the teacher's pieces."""
        return ~self.copied & np.array([bool(ids) for ids in self.sources], bool)

    @property
    def left(self) -> Booleans:
        """`[ids]`, whether the teacher has nothing for it."""
        return np.array([not ids for ids in self.sources], bool)

    def report(self, texts: Iterable[str] = ()) -> dict[str, float]:
        """Count what entries start from, and how many of the tokens of texts.

        Args:
            texts: A sample of what the student is to read.

        Returns:
            `entries`, `copied`, `averaged` and `left`; with texts, also `copied_share`, `averaged_share` and
            `left_share` of their tokens, special tokens apart.
        """
        ways = {"copied": self.copied, "averaged": self.averaged, "left": self.left}
        counts: dict[str, float] = {"entries": len(self.sources)}
        counts |= {name: int(entries.sum()) for name, entries in ways.items()}

        with unchanged(self.tokenizer):
            rows = [self.tokenizer.encode(text, add_special_tokens=False, truncation=False) for text in texts]
        tokens = np.array([index for row in rows for index in row], np.int64)
        if tokens.size:
            counts |= {f"{name}_share": float(entries[tokens].mean()) for name, entries in ways.items()}
        return counts


def _equal_entries(student: PreTrainedTokenizerFast, teacher: PreTrainedTokenizerFast) -> list[list[int]]:
    """Per id of the student, the teacher's id of the same text or role, or nothing."""
    vocabulary = teacher.get_vocab()
    by_text = _ids_of_texts(teacher)
    spaces_lost = EntryMarks(student).spaces_lost  # so that a comma looks like a word
    surfaces = TokenSurfaces(student)
    sources: list[list[int]] = [[] for _ in surfaces.pieces]

    for entry, index in student.get_vocab().items():
        piece = surfaces.pieces[index]
        if piece is not None:
            same, equal = vocabulary.get(entry), by_text.get(piece, [])
            behind_a_word = by_text.get(piece.strip(), []) if spaces_lost and piece.strip() in NO_SPACE_BEFORE else []
            sources[index] = [same] if same in equal else (behind_a_word or equal)[:1]

    for index, other in _special_ids(student, teacher).items():
        sources[index] = [other]
    return sources


def _ids_of_texts(tokenizer: PreTrainedTokenizerFast) -> dict[bytes, list[int]]:
    """The ids of each text, those that stand for a byte of something unknown last."""
    surfaces, vocabulary = TokenSurfaces(tokenizer), tokenizer.get_vocab()
    entries = sorted(vocabulary, key=lambda entry: (bool(BYTE_PIECE.fullmatch(entry)), vocabulary[entry]))

    ids: dict[bytes, list[int]] = {}
    for entry in entries:
        piece = surfaces.pieces[vocabulary[entry]]
        if piece is not None:
            ids.setdefault(piece, []).append(vocabulary[entry])
    return ids


def _special_ids(student: PreTrainedTokenizerFast, teacher: PreTrainedTokenizerFast) -> dict[int, int]:
    """The teacher's id of the same role for each of the student's special tokens; without a role, of the same name."""
    theirs = {role: getattr(teacher, f"{role}_token_id", None) for role in (*ROLES, "unk")}
    equal: dict[int, int | None] = {}
    for role in theirs:
        index = getattr(student, f"{role}_token_id", None)
        found = theirs[role] if theirs[role] is not None else theirs.get(OTHER_ROLE.get(role, ""))
        if index is not None:
            equal[index] = equal.get(index) if equal.get(index) is not None else found

    vocabulary = teacher.get_vocab()
    for index, added in student.added_tokens_decoder.items():
        if added.special:
            equal.setdefault(index, vocabulary.get(added.content))
    return {index: found for index, found in equal.items() if found is not None}


class _Reader:
    """Reads pieces of text as a tokenizer would where they stand."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast) -> None:
        self._backend = tokenizer.backend_tokenizer
        self._unknown = tokenizer.unk_token_id
        self._marks = EntryMarks(tokenizer)
        self._texts = _ids_of_texts(tokenizer)
        self._inside = _inside_a_word(tokenizer, self._marks) or self._backend.model

    def pieces_of(self, piece: bytes | None) -> list[int]:
        """Return the ids for a text that is preceded by a space or continues a word; none where it cannot be read."""
        try:
            text = (piece or b"").decode()
        except UnicodeDecodeError:  # a part of a character
            return self._bytes_of(piece or b"")
        if not text.strip():
            return []

        splits = self._splits(NEIGHBOUR + text.rstrip())
        tokens = self._read(splits, inside=not text[0].isspace())
        return [token for token in tokens if token != self._unknown]

    def _bytes_of(self, piece: bytes) -> list[int]:
        found = [self._texts.get(bytes([byte]), [])[:1] for byte in piece]
        return [index for ids in found for index in ids] if all(found) else []

    def _splits(self, text: str) -> list[str]:
        """Return the words that the tokenizer's model is given; the first is joined to the neighbour, or it alone."""
        if self._backend.normalizer is not None:
            text = self._backend.normalizer.normalize_str(text)
        if self._backend.pre_tokenizer is None:
            return [text]
        return [word for word, _ in self._backend.pre_tokenizer.pre_tokenize_str(text)]

    def _read(self, splits: list[str], inside: bool) -> list[int]:
        """Return the ids of all but the neighbour."""
        first, *others = splits
        _, neighbour, rest = first.partition(NEIGHBOUR)
        if not neighbour:  # the normaliser has changed it together with what follows
            return []

        model = self._inside if inside else self._backend.model
        tokens = model.tokenize(rest) if rest else []
        for word in others:
            tokens += self._backend.model.tokenize(word)
        return [token.id for token in tokens]


def _inside_a_word(tokenizer: PreTrainedTokenizerFast, marks: EntryMarks) -> models.WordPiece | None:
    """Return a model that reads what it is given as the inside of a word, where a vocabulary marks that."""
    prefix = marks.continuation
    if prefix is None or not isinstance(tokenizer.backend_tokenizer.model, models.WordPiece):
        return None

    vocabulary = tokenizer.get_vocab()
    inside = {entry.removeprefix(prefix): index for entry, index in vocabulary.items() if entry.startswith(prefix)}
    unknown = str(tokenizer.unk_token)
    inside[unknown] = vocabulary[unknown]
    return models.WordPiece(inside, unk_token=unknown, continuing_subword_prefix="")
