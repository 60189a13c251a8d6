"""Which stretches of one text several tokenizations share.

A position of the text is a cut unless a token of some tokenization crosses it; spans are the stretches between cuts
that hold visible characters. Invisible characters are removed from the coordinates first, so it does not matter
whether a token's offsets include the space before it.
"""

import sys
import unicodedata
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import chain

import numpy as np
from numpy.typing import NDArray

INVISIBLE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp", "Zs"})
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]


@cache
def visible_code_points() -> Booleans:
    """Whether each Unicode code point shows something: no white space, control or format character; [code points]."""
    categories = map(unicodedata.category, map(chr, range(sys.maxunicode + 1)))
    return np.fromiter((category not in INVISIBLE_CATEGORIES for category in categories), bool, sys.maxunicode + 1)


def visible_characters(text: str) -> Booleans:
    """Tell which characters of `text` show something: all but white space, control and format characters.

    Returns:
        One boolean per character. Combining marks are visible, zero-width spaces and joiners are not.
    """
    return visible_code_points()[np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)]


def flatten_offsets(
    offset_mappings: Iterable[Iterable[tuple[int, int]]],
    sequence_ids: Iterable[Sequence[int | None]],
    sequences: int = 1,
) -> tuple[Integers, Integers]:
    """Turn the offsets of a batch, as a fast tokenizer gives them, into two arrays for [`batch_spans`].

    Args:
        offset_mappings: per example, per token: (start, end) in characters of its text.
        sequence_ids: per example, per token: which text of the example the token reads (0, or 1 for the second text
            of a pair), `None` for special tokens and padding.
        sequences: texts per example, 2 for pairs.

    Returns:
        `offsets` [tokens, 2] and `text_indices` [tokens] (example * sequences + sequence id, -1 for special tokens),
        all examples one after the other.
    """
    numbers = chain.from_iterable(chain.from_iterable(offset_mappings))
    offsets = np.fromiter(numbers, np.int64).reshape(-1, 2)

    rows = list(sequence_ids)
    examples = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
    within = np.array(list(chain.from_iterable(rows)), float)  # None becomes NaN
    return offsets, np.nan_to_num(examples * sequences + within, nan=-1).astype(np.int64)


def batch_spans(
    texts: Sequence[str], tokenizations: Sequence[tuple[Integers, Integers]], sequences: int = 1
) -> list[Integers]:
    """Number the spans that all tokenizations of each text share.

    A token that holds no visible character joins the span after it. A span that reaches beyond what some tokenization
    kept of its text (truncation on either side) is no span: its tokens get -1, as do special tokens.

    Args:
        texts: the texts as they were tokenized; with pairs: first, second, first, second, ...
        tokenizations: per tokenizer `offsets` [tokens, 2] (characters) and `text_indices` [tokens] (the text that each
            token reads, -1 for special tokens), all texts one after the other; see [`flatten_offsets`].
        sequences: texts per example; the numbers restart at 0 with each example.

    Returns:
        Per tokenization the span of each token [tokens], -1 where it has none.

    Raises:
        ValueError: a token ends beyond its text.
    """
    visible = visible_characters("".join(texts))
    text_starts = np.concatenate([[0], np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts)))])
    coordinates = np.concatenate([[0], np.cumsum(visible)])
    bounds = coordinates[text_starts]

    intervals = []
    for offsets, text in tokenizations:
        # A special token (text -1) is put at position 0 with no width: bounds[-1 + 1] = 0 then denies it a span.
        positions = np.where(text[:, None] < 0, 0, text_starts[text, None] + offsets)
        _require_within(positions, text, text_starts)
        intervals.append((text, *coordinates[positions].T))

    span_of_character = connect([(starts, ends) for _, starts, ends in intervals], bounds[-1])
    numbers = _number_spans(span_of_character, bounds, intervals, sequences)
    number_at = np.append(numbers, -1)[np.append(span_of_character, -1)]
    return [np.where(starts < bounds[text + 1], number_at[starts], -1) for text, starts, _ in intervals]


def _require_within(positions: Integers, text: Integers, text_starts: Integers) -> None:
    beyond = np.flatnonzero(positions[:, 1] > text_starts[text + 1])
    if len(beyond):
        which = text[beyond[0]]
        start = text_starts[which]
        raise ValueError(
            f"batch_spans expects offsets into the texts that it gets, but a token of text {which} ends at character "
            f"{positions[beyond[0], 1] - start} of {text_starts[which + 1] - start}: student and teacher would be "
            "matched at the wrong words. Pass the texts as they were tokenized (after NFC, where that was applied)."
        )


def _number_spans(
    span_of_character: Integers,
    bounds: Integers,
    intervals: Sequence[tuple[Integers, Integers, Integers]],
    sequences: int,
) -> Integers:
    """Give each span its number within its example, -1 where a tokenization did not keep all of it; [spans]."""
    kept_from, kept_to = bounds[:-1].copy(), bounds[1:].copy()
    for text, starts, ends in intervals:
        seen = ends > starts
        first, last = bounds[1:].copy(), bounds[:-1].copy()
        np.minimum.at(first, text[seen], starts[seen])
        np.maximum.at(last, text[seen], ends[seen])
        np.maximum(kept_from, first, out=kept_from)
        np.minimum(kept_to, last, out=kept_to)

    span_starts = np.flatnonzero(np.diff(span_of_character, prepend=-1))
    span_ends = np.append(span_starts, len(span_of_character))[1:]
    first_spans = np.append(span_of_character, len(span_starts))[bounds]
    text_of_span = np.repeat(np.arange(len(bounds) - 1), np.diff(first_spans))
    valid = (span_starts >= kept_from[text_of_span]) & (span_ends <= kept_to[text_of_span])

    valid_before = np.append(0, np.cumsum(valid))
    before_example = valid_before[first_spans[::sequences]]
    return np.where(valid, valid_before[:-1] - before_example[text_of_span // sequences], -1)


def connect(intervals: Iterable[tuple[Integers, Integers]], length: int) -> Integers:
    """Number the stretches of 0..length whose borders no interval crosses; [length], ascending.

    Args:
        intervals: per tokenization the starts and the ends of its tokens, [tokens] each.
        length: how many positions there are.
    """
    crossing = np.zeros(length + 1, np.int64)
    for starts, ends in intervals:
        inner = ends - starts > 1
        crossing += np.bincount(starts[inner] + 1, minlength=length + 1)
        crossing -= np.bincount(ends[inner], minlength=length + 1)

    return np.cumsum(np.cumsum(crossing)[:length] == 0) - 1


def text_spans(
    text: str, offsets: Sequence[Integers], special_tokens_masks: Sequence[Sequence[int]] | None = None
) -> list[Integers]:
    """Number the spans that several tokenizations of one text share; for many texts [`batch_spans`] is faster.

    Args:
        text: the text as it was tokenized.
        offsets: per tokenization, [tokens, 2]: start and end of each token in characters.
        special_tokens_masks: per tokenization, [tokens]: 1 for tokens that the tokenizer added to the text.

    Returns:
        Per tokenization the span of each token [tokens], counted from 0; -1 for special tokens and for tokens over
        text that another tokenization truncated.
    """
    arrays = [np.asarray(rows, np.int64).reshape(-1, 2) for rows in offsets]
    masks = special_tokens_masks or [[0] * len(rows) for rows in arrays]
    return batch_spans([text], [(rows, -np.asarray(mask, np.int64)) for rows, mask in zip(arrays, masks, strict=True)])


def word_spans(words: Sequence[Integers], word_counts: Sequence[int]) -> list[Integers]:
    """Take the words of pre-split texts as their spans.

    Args:
        words: per tokenization [tokens]: the word of each token, counted over all examples, -1 for special tokens.
        word_counts: how many words each example has.

    Returns:
        Per tokenization the word of each token within its example [tokens]; -1 for special tokens and for words of
        which some tokenization has no token.
    """
    counts = np.asarray(word_counts, np.int64)
    total = int(counts.sum())

    kept = np.all([np.bincount(row[row >= 0], minlength=total) for row in words], axis=0)
    within_example = np.arange(total) - np.repeat(np.cumsum(counts) - counts, counts)

    number_at = np.append(np.where(kept, within_example, -1), -1)
    return [number_at[row] for row in words]
