"""Which tokens make up one word, told from the tokens alone: no text, and no column of its own, is needed."""

import numpy as np
from transformers import PreTrainedTokenizerFast

from .spans import Booleans, Integers
from .surfaces import EntryMarks, TokenSurfaces


def word_starts(tokenizer: PreTrainedTokenizerFast) -> bytes | None:
    """Tell of each token id whether its token begins a word, a bit for each; None where the tokenizer marks none.

    Args:
        tokenizer: the tokenizer; of WordPiece, punctuation within a word begins one, too.
    """
    surfaces = TokenSurfaces(tokenizer)
    begins = np.array([(piece or b"")[:1].isspace() for piece in surfaces.pieces], bool)
    if tokenizer.unk_token_id is not None:
        begins[tokenizer.unk_token_id] = EntryMarks(tokenizer).spaces_lost

    return np.packbits(begins).tobytes() if begins.any() else None


class WordMarks:
    """Numbers the words of an encoding: stretches without white space, or what its tokenizer has split more finely.

    A WordPiece vocabulary marks what continues a word and forgets the white space, so punctuation is a word there; in
    byte-level and SentencePiece vocabularies it belongs to the word that it touches.

    Args:
        tokenizer: the tokenizer that made the encoding.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerFast) -> None:
        surfaces = TokenSurfaces(tokenizer)
        texts = [piece or b"." for piece in surfaces.pieces]

        self._special = surfaces.special
        self._blank = np.array([text.isspace() for text in texts], bool)
        self._begins = np.array([text[:1].isspace() for text in texts], bool)
        self._ends = np.array([text[-1:].isspace() for text in texts], bool) & ~self._blank
        if tokenizer.unk_token_id is not None:
            self._begins[tokenizer.unk_token_id] = EntryMarks(tokenizer).spaces_lost

    def number(self, input_ids: Integers, attention_mask: Integers) -> Integers:
        """Give each token, [batch, length], the number of its word within its row; -1 for special ones and padding."""
        inside: Booleans = (attention_mask != 0) & ~self._special[input_ids]

        after_blank, ended = np.zeros_like(inside), np.ones_like(inside)
        after_blank[:, 1:] = self._blank[input_ids[:, :-1]]  # the mark of a space by itself has begun the word
        ended[:, 1:] = (self._ends[input_ids] | ~inside)[:, :-1]
        first = inside & ((self._begins[input_ids] & ~after_blank) | ended)

        return np.where(inside, np.cumsum(first, axis=1) - 1, -1)
