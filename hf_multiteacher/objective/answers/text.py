"""The text of an example on which models disagree, as its tokens tell it, with the words marked that they dispute."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .record import SURE

LONGEST_TEXT = 600
"""Characters of an example, or of each of two that are a pair, of which the whole is answered to."""
LONGEST_CONTEXT = 200
"""Characters before a masked word, and after it."""
BETWEEN = ("cls_token_id", "sep_token_id", "bos_token_id", "eos_token_id")
"""The tokens that stand between the texts of a pair, and around them."""

Parts = list[list[Any]]
"""A text in its order: a word that is disputed with the number of its row, what stands between with None."""


def words(tokens: np.ndarray, said: np.ndarray, disputed: Sequence[int], tokenizer: Any) -> Parts:
    """Cut the tokens into words, each from its first token on, and join those that nobody disputes.

    Args:
        tokens: The student's, `[length]`, below 0 for padding.
        said: What is said of each token, `[length, columns]`; nothing where no word begins.
        disputed: The tokens whose words are disputed.
        tokenizer: The student's.
    """
    places = np.flatnonzero(said[:, SURE] >= 0)
    number = {place: row for row, place in enumerate(disputed)}
    ends = [*places[1:].tolist(), len(tokens)]

    parts: Parts = []
    for start, end in zip(places.tolist(), ends, strict=True):
        word, row = _decoded(tokens[start:end], tokenizer), number.get(start)
        if row is None and parts and parts[-1][1] is None:
            parts[-1][0] += f" {word}"
        else:
            parts.append([word, row])
    return parts


def segments(tokens: np.ndarray, tokenizer: Any) -> Parts:
    """Return the whole text, or the two texts of a pair."""
    between = [getattr(tokenizer, name, None) for name in BETWEEN]
    ends = [*np.flatnonzero(np.isin(tokens, [token for token in between if token is not None])), len(tokens)]

    starts = [0, *ends[:-1]]
    texts = [_decoded(tokens[start:end], tokenizer) for start, end in zip(starts, ends, strict=True)]
    return [[_shortened(text), None] for text in texts if text] or [["", None]]


def around(tokens: np.ndarray, place: int, word: str, tokenizer: Any) -> Parts:
    """Return a masked word between what stands before it and behind it, as the student reads it.

    Args:
        tokens: The student's, `[length]`, below 0 for padding.
        place: Where the word is masked.
        word: The word.
        tokenizer: The student's.
    """
    before, after = (_decoded(part, tokenizer) for part in (tokens[:place], tokens[place + 1 :]))
    if len(before) > LONGEST_CONTEXT:
        before = f"…{before[-LONGEST_CONTEXT:]}"
    if len(after) > LONGEST_CONTEXT:
        after = f"{after[:LONGEST_CONTEXT]}…"

    parts: Parts = [[before, None], [word, 0], [after, None]]
    return [part for part in parts if part[0]]


def named(token: int, tokenizer: Any) -> str:
    """Return what a single token stands for; its own name where that is nothing to read."""
    return tokenizer.decode([token]).strip() or tokenizer.convert_ids_to_tokens(token) or f"[{token}]"


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}…"


def _decoded(tokens: np.ndarray, tokenizer: Any) -> str:
    # A word that the tokenizer does not know, or that is masked, is there like any other.
    hidden = {*tokenizer.all_special_ids} - {tokenizer.unk_token_id, tokenizer.mask_token_id}
    text = tokenizer.decode([token for token in tokens.tolist() if token >= 0 and token not in hidden])
    return " ".join(text.split())
