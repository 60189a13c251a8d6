"""What one tokenizer makes of a batch of texts or lists of words."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from tokenizers import Encoding
from transformers import PreTrainedTokenizerFast

from .settings import unchanged
from .spans import Booleans, Integers, flatten_offsets
from .words import spaced_words

ROLES = ("pad", "unk", "mask", "cls", "sep")
NO_LIMIT = 10**20  # transformers gives a tokenizer without a limit a model_max_length of 1e30
# transformers 5 answers a folder without tokenizer files with a tokenizer that has special tokens only.
FEWEST_ENTRIES = 10
Rows = Sequence[Sequence[int]]


def tokenizer_fingerprint(tokenizer: PreTrainedTokenizerFast) -> str:
    """Hash what a fast tokenizer does to a text: two tokenizers of one fingerprint give the same ids.

    Names, decoders, length limits, padding and truncation settings do not count.
    """
    state = json.loads(tokenizer.backend_tokenizer.to_str())
    for setting in ("version", "truncation", "padding", "decoder"):
        state.pop(setting, None)
    state["roles"] = {role: getattr(tokenizer, f"{role}_token_id") for role in ROLES}
    return hashlib.sha256(json.dumps(state).encode()).hexdigest()


def count_entries(tokenizer: PreTrainedTokenizerFast) -> int:
    """Count the ids up to the largest that a tokenizer gives."""
    return max(tokenizer.get_vocab().values()) + 1


def require_fast(owner: str, tokenizer: Any) -> None:
    """Refuse a tokenizer that cannot tell which characters its tokens stand for.

    Raises:
        TypeError: the tokenizer of `owner` is not a fast one.
    """
    if not getattr(tokenizer, "is_fast", False):
        raise TypeError(
            f"MultiTokenizer expects fast tokenizers, but that of {owner} is a {type(tokenizer).__name__}, which does "
            "not tell where in the text its tokens lie (offsets): tokens of student and teacher could not be matched. "
            "Load it with AutoTokenizer.from_pretrained(..., use_fast=True), or convert it once and save it: "
            "PreTrainedTokenizerFast(tokenizer_object=transformers.convert_slow_tokenizer.convert_slow_tokenizer(slow))."
        )


def special_tokens(tokenizer: PreTrainedTokenizerFast, rows: Rows) -> Booleans:
    """Whether each token of a batch is a special token other than the unknown token; [tokens]."""
    ids = np.fromiter(chain.from_iterable(rows), np.int64)
    return np.isin(ids, [*{*tokenizer.all_special_ids} - {tokenizer.unk_token_id}])


def cut_rows(values: Integers, like: Rows) -> list[list[int]]:
    """Cut the flat values of a batch, [tokens], into lists as long as those of `like`."""
    flat, ends = values.tolist(), np.cumsum([0, *map(len, like)]).tolist()
    return [flat[start:end] for start, end in zip(ends[:-1], ends[1:], strict=True)]


@dataclass(frozen=True)
class Encoded:
    """A batch, encoded.

    Attributes:
        columns: `input_ids`, `attention_mask` and maybe `token_type_ids`, lists per example.
        encodings: one per example, with the places of its tokens.
        special: [tokens of all examples], whether each is a special token other than the unknown token.
    """

    columns: dict[str, list[list[int]]]
    encodings: list[Encoding]
    special: Booleans

    def tokenization(self, sequences: int) -> tuple[Integers, Integers]:
        """Offsets [tokens, 2] and text indices [tokens] of all tokens, as [`batch_spans`] takes them."""
        offsets = (encoding.offsets for encoding in self.encodings)
        sequence_ids = (encoding.sequence_ids for encoding in self.encodings)
        places, text_indices = flatten_offsets(offsets, sequence_ids, sequences)
        # A special token that the text spells out ("[SEP]") is no part of the text for its model.
        return places, np.where(self.special, -1, text_indices)

    def word_numbers(self, counts: Integers) -> Integers:
        """The word of each token, counted over all examples; [tokens], -1 for tokens that the tokenizer added.

        Args:
            counts: [examples], words per example.
        """
        starts = (np.cumsum(counts) - counts).tolist()
        rows = zip(self.encodings, starts, strict=True)
        numbers = [-1 if word is None else start + word for row, start in rows for word in row.word_ids]
        return np.array(numbers, np.int64)

    def first_token_labels(self, labels: Integers, counts: Integers) -> list[list[int]]:
        """Put the label of each word, [words], on its first token and -100 on all others."""
        numbers = self.word_numbers(counts)
        first = numbers != np.append(-1, numbers[:-1])
        return cut_rows(np.where(first, np.append(labels, -100)[numbers], -100), self.columns["input_ids"])


@dataclass(frozen=True)
class Encoder:
    """Makes one encoding for all models whose tokenizers are equal.

    Attributes:
        readers: the tokenizers of these models; the first makes the encoding.
        owner: what messages call the first of these models.
    """

    readers: list[PreTrainedTokenizerFast]
    owner: str = "this model"

    @property
    def token_types(self) -> bool:
        """Whether one of the models takes `token_type_ids`."""
        return any("token_type_ids" in tokenizer.model_input_names for tokenizer in self.readers)

    @property
    def limit(self) -> int:
        """The most tokens that all of the models take."""
        return min(tokenizer.model_max_length for tokenizer in self.readers)

    def encode(
        self, sequences: Sequence[list], split: bool, truncation: bool | str, max_length: int | None
    ) -> Encoded:
        """Encode texts, pairs of texts (two `sequences`) or, with `split`, lists of words, which are read apart.

        Truncation and padding that the tokenizer holds stay as they are.

        Raises:
            ValueError: the tokenizer cannot read words apart.
        """
        limit = min(self.limit, NO_LIMIT if max_length is None else max_length)
        truncate = truncation if limit < NO_LIMIT else False
        tokenizer = self.readers[0]
        if split:
            sequences = [spaced_words(tokenizer, sequences[0], self.owner)]

        with unchanged(tokenizer):
            encoding = tokenizer(
                *sequences,
                is_split_into_words=split,
                truncation=truncate,
                max_length=limit if truncate else None,
                return_attention_mask=True,
                return_token_type_ids=self.token_types,
            )

        special = special_tokens(tokenizer, encoding["input_ids"])
        return Encoded(dict(encoding), list(encoding.encodings or []), special)
