"""The texts behind a student's tokens where the data set has lost them, and a teacher's encoding of such texts."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from tokenizers import Encoding
from transformers import PreTrainedTokenizerFast

from .columns import LABEL_NAMES
from .encoder import special_tokens
from .spans import Booleans, Integers
from .surfaces import TokenSurfaces

Tokenization = tuple[Integers, Integers]
Token = tuple[int, int, int, tuple[int, int]]


@dataclass(frozen=True)
class Template:
    """The special tokens that a tokenizer puts around a pair of texts, and the token types that it gives the texts.

    Attributes:
        specials: ids before the first text, between the texts and after the second.
        special_types: their token types.
        text_types: the token types of the first and the second text.
    """

    specials: tuple[list[int], list[int], list[int]]
    special_types: tuple[list[int], list[int], list[int]]
    text_types: tuple[int, int]

    @classmethod
    def of(cls, tokenizer: PreTrainedTokenizerFast) -> "Template":
        """Read the template off a pair of one-letter texts."""
        encoding = tokenizer(["a"], ["a"]).encodings[0]
        sequence_ids = encoding.sequence_ids
        first, second = sequence_ids.index(0), sequence_ids.index(1)
        after_first, after_second = first + sequence_ids.count(0), second + sequence_ids.count(1)
        places = slice(first), slice(after_first, second), slice(after_second, None)

        before, between, after = (encoding.ids[place] for place in places)
        types_before, types_between, types_after = (encoding.type_ids[place] for place in places)

        return cls(
            specials=(before, between, after),
            special_types=(types_before, types_between, types_after),
            text_types=(encoding.type_ids[first], encoding.type_ids[second]),
        )


@dataclass(frozen=True)
class Segments:
    """The texts between the special tokens of a batch of token ids.

    Attributes:
        texts: [examples * width], the segments of each example, then empty texts.
        width: the most segments of an example.
        counts: [examples], segments per example.
        pairs: [examples], whether the segments are the two texts of a pair.
        tokenization: offsets [tokens, 2] and text index [tokens] of each token, as [`batch_spans`] takes them.
    """

    texts: list[str]
    width: int
    counts: list[int]
    pairs: list[bool]
    tokenization: Tokenization

    @classmethod
    def of(
        cls, rows: Sequence[list[int]], surfaces: TokenSurfaces, between: list[int], starts: Sequence[Booleans]
    ) -> "Segments":
        """Rebuild the texts behind `rows` of token ids; two segments with `between` between them are a pair.

        `starts` tells the tokens of each row before which a space is missing.
        """
        places = [_stretches(surfaces.special[row]) for row in rows]
        counts = [len(stretches) for stretches in places]
        width = max([1, *counts])

        texts = [""] * (len(rows) * width)
        tokens = sum(map(len, rows))
        offsets, text_indices = np.zeros((tokens, 2), np.int64), np.full(tokens, -1, np.int64)

        row_start = 0
        for example, (row, stretches) in enumerate(zip(rows, places, strict=True)):
            for index, (start, end) in enumerate(stretches, example * width):
                tokens_of_text = slice(row_start + start, row_start + end)
                text, places_in_text = surfaces.rebuild(row[start:end], starts[example][start:end])
                texts[index], offsets[tokens_of_text] = _tidy(text, places_in_text)
                text_indices[tokens_of_text] = index
            row_start += len(row)

        pairs = [
            len(stretches) == 2 and row[stretches[0][1] : stretches[1][0]] == between
            for row, stretches in zip(rows, places, strict=True)
        ]
        return cls(texts, width, counts, pairs, (offsets, text_indices))


def word_starts(
    rows: Sequence[list[int]], features: Sequence[Mapping[str, Any]], surfaces: TokenSurfaces
) -> list[Booleans]:
    """Tell where words begin that the tokens of examples do not mark, as the labels of tagging know it.

    Tokenizers such as byte-level ones without `add_prefix_space` mark spaces, which words of a list do not have. Where
    every token of a batch has a label, labels do not tell words either.

    Args:
        rows: the token ids of each example.
        features: the examples, maybe with labels.
        surfaces: those of the tokenizer that made the ids.

    Returns:
        Per example, for each token, whether a word begins there; all false where the tokens themselves mark spaces, or
        nothing tells.
    """
    ordinary = [~surfaces.special[row] for row in rows]
    pairs = zip(rows, features, ordinary, strict=True)
    labelled = [_labelled(row, feature) & real for row, feature, real in pairs]

    told = [0 < has_label.sum() < real.sum() for has_label, real in zip(labelled, ordinary, strict=True)]
    if not any(told):
        return [np.zeros(len(row), bool) for row in rows]
    return [
        np.zeros(len(row), bool) if _marks_spaces(row, surfaces) else has_label
        for row, has_label in zip(rows, labelled, strict=True)
    ]


def _labelled(row: list[int], feature: Mapping[str, Any]) -> Booleans:
    """Which tokens have a label of their own, an integer other than -100; none where labels are something else."""
    labels = np.asarray(next((feature[name] for name in LABEL_NAMES if name in feature), None))
    if labels.shape != (len(row),) or labels.dtype.kind not in "iu":
        return np.zeros(len(row), bool)
    return labels != -100


def _marks_spaces(row: list[int], surfaces: TokenSurfaces) -> bool:
    """Whether some token of an example, but the first, stands for a space too."""
    pieces = [piece for piece in (surfaces.pieces[index] for index in row) if piece is not None]
    return b" " in b"".join(pieces).strip()


def _stretches(special: np.ndarray) -> list[tuple[int, int]]:
    """Where the runs of ordinary tokens start and end."""
    borders = np.flatnonzero(np.diff(~special, prepend=False, append=False)).tolist()
    return list(zip(borders[::2], borders[1::2], strict=True))


def _tidy(text: str, offsets: Integers) -> tuple[str, Integers]:
    """Drop the spaces before a text, compose its characters (NFC) and move the tokens' offsets with them."""
    bare = text.lstrip()
    offsets = np.maximum(offsets - (len(text) - len(bare)), 0)
    text = bare

    composed = unicodedata.normalize("NFC", text)
    if composed == text:
        return text, offsets

    borders, inverse = np.unique(offsets, return_inverse=True)
    heads = [unicodedata.normalize("NFC", text[:border]) for border in borders]
    ends = np.array([len(head) for head in heads])

    # A border inside a composed character: the token before it ends, and the token after it starts, with all of it.
    starts = ends - [not composed.startswith(head) for head in heads]
    inverse = inverse.reshape(-1, 2)
    return composed, np.stack([starts[inverse[:, 0]], ends[inverse[:, 1]]], axis=1)


def encode_segments(
    tokenizer: PreTrainedTokenizerFast, segments: Segments, limit: int
) -> tuple[dict[str, list[list[int]]], Tokenization]:
    """Encode rebuilt texts: an example's segments in one row, with the tokenizer's own special tokens around them.

    Args:
        tokenizer: the teacher's tokenizer.
        segments: the texts.
        limit: tokens per row at most; what is beyond it at the end of a row's text is left out.

    Returns:
        `input_ids`, `attention_mask` and `token_type_ids` (those of a pair for pairs, else 0) per example, and the
        offsets and text indices of all tokens, as [`batch_spans`] takes them.
    """
    template = Template.of(tokenizer)
    encodings = tokenizer(segments.texts, add_special_tokens=False, truncation=False, verbose=False).encodings

    rows = []
    for example, (count, pair) in enumerate(zip(segments.counts, segments.pairs, strict=True)):
        first = example * segments.width
        rows.append(_row(template, encodings[first : first + count], first, pair, limit))

    columns = {
        "input_ids": [[token[0] for token in row] for row in rows],
        "attention_mask": [[1] * len(row) for row in rows],
        "token_type_ids": [[token[1] for token in row] for row in rows],
    }
    offsets = np.array([token[3] for row in rows for token in row], np.int64).reshape(-1, 2)
    text_indices = np.array([token[2] for row in rows for token in row], np.int64)
    return columns, (offsets, np.where(special_tokens(tokenizer, columns["input_ids"]), -1, text_indices))


def _row(template: Template, encodings: Sequence[Encoding], first: int, pair: bool, limit: int) -> list[Token]:
    """One row of tokens: (id, token type, text index, offsets)."""
    before, between, after = (
        [(index, kind if pair else 0, -1, (0, 0)) for index, kind in zip(ids, types, strict=True)]
        for ids, types in zip(template.specials, template.special_types, strict=True)
    )

    content: list[Token] = []
    for rank, encoding in enumerate(encodings):
        kind = template.text_types[rank] if pair else 0
        content += between if rank else []
        content += [
            (index, kind, first + rank, place) for index, place in zip(encoding.ids, encoding.offsets, strict=True)
        ]
    return before + content[: max(limit - len(before) - len(after), 0)] + after
