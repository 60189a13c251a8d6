"""A word to those whose teacher cannot read their text: how much of it is the teacher's unknown token."""

import logging
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from datasets import Dataset

from ..tokenization.columns import teacher_column
from ..tokenization.surfaces import EntryMarks
from .padding import Arrays

logger = logging.getLogger(__name__)

BATCHES = 8
LARGEST_SHARE = 0.05
FEWEST = 4  # a few unknown words in a small first batch say nothing
ROWS = 64


class UnknownWords:
    """Counts the words of the first batches that a tokenizer does not know, and warns once if they are many.

    Args:
        tokenizers: Those that teachers read with: the student's (None), and those behind the columns `teacher_{j}_*`.
    """

    def __init__(self, tokenizers: Mapping[int | None, Any]) -> None:
        self._tokenizers = {source: each for source, each in tokenizers.items() if has_unknown(each)}
        # Words and unknown words of each; in shared memory, so that workers and evaluations count together.
        self._counts = torch.zeros(len(self._tokenizers), 2, dtype=torch.int64).share_memory_()
        self._batches = torch.zeros((), dtype=torch.int64).share_memory_()

    def look(self, batch: Arrays) -> None:
        """Count the words of a padded batch, before anything is masked; later ones are not looked at."""
        if self._batches >= BATCHES:
            return

        self._batches += 1
        for counts, (source, tokenizer) in zip(self._counts, self._tokenizers.items(), strict=True):
            ids = batch[teacher_column(source, "input_ids")]
            counts += torch.tensor(count_words(tokenizer, ids[batch[teacher_column(source, "attention_mask")] != 0]))

        for source, (words, unknown) in zip(self._tokenizers, self._counts.tolist(), strict=True):
            if unknown >= FEWEST and unknown > LARGEST_SHARE * words:
                self._batches.fill_(BATCHES)
                _warn(source, unknown / words)


def expect_known_words(dataset: Any, tokenizer: Any) -> None:
    """Refuse examples of which a student reads not one word: it would see no difference between them.

    Args:
        dataset: The training's; of streams, and of what is encoded later, nothing is looked at.
        tokenizer: The student's.

    Raises:
        ValueError: The first examples hold nothing, or nothing but the unknown token.
    """
    stored = isinstance(dataset, Dataset) and "input_ids" in dataset.column_names
    if not stored or not len(dataset):
        return

    rows = dataset.with_format(None)[:ROWS]["input_ids"]
    special = {*tokenizer.all_special_ids} - {tokenizer.unk_token_id}
    ids = [entry for row in rows for entry in row if entry not in special]
    if not ids:
        raise ValueError(
            f"The first {len(rows)} training examples hold no word, so there is nothing to learn. Look at the column "
            "of the text, and leave empty texts out."
        )
    if has_unknown(tokenizer) and len(ids) >= FEWEST and {*ids} == {tokenizer.unk_token_id}:
        raise ValueError(
            f"The student's tokenizer knows no word of the first {len(rows)} training examples, and reads "
            f"'{tokenizer.unk_token}' throughout, so there is nothing to learn. Train on text that its vocabulary has "
            "letters for, or take another student."
        )


def _warn(source: int | None, share: float) -> None:
    logger.warning(
        "%s reads its unknown token in %.0f %% of the first words, and what it says about them it says without having "
        "read them. Its vocabulary lacks their characters or their spelling (for example s and t with a cedilla where "
        "it knows the comma below): write the text as its tokenizer expects it, give the teacher less weight, or take "
        "another one.",
        "A teacher with the student's tokenizer" if source is None else f"Teacher {source}",
        100 * share,
    )


def count_words(tokenizer: Any, ids: np.ndarray) -> tuple[int, int]:
    """Count the words among the tokens of texts, [tokens], and those that have an unknown token in them."""
    used, places = np.unique(ids, return_inverse=True)
    marks = EntryMarks(tokenizer)
    unknown = used == tokenizer.unk_token_id
    special = np.isin(used, tokenizer.all_special_ids) & ~unknown

    pieces = [marks.text_of(entry) for entry in tokenizer.convert_ids_to_tokens(used.tolist())]
    opens = np.array([piece.startswith(b" ") for piece in pieces], bool) | special
    closes = np.array([piece.lstrip().endswith(b" ") for piece in pieces], bool) | special

    # A word begins at a token that opens one, or after one that closes one; special tokens are none.
    begins = (opens[places] | np.append(True, closes[places][:-1])[: len(places)]) & ~special[places]
    words = np.cumsum(begins)
    return int(begins.sum()), len(np.unique(words[unknown[places]]))


def has_unknown(tokenizer: Any) -> bool:
    """Whether a tokenizer has an unknown token that plays no other part."""
    roles = (tokenizer.pad_token_id, tokenizer.cls_token_id, tokenizer.sep_token_id, tokenizer.bos_token_id)
    return tokenizer.unk_token_id is not None and tokenizer.unk_token_id not in {*roles, tokenizer.eos_token_id}
