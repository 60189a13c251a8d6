"""Which texts of a corpus are held out for evaluation: those with the lowest hashes, wherever they stand in it."""

from collections.abc import Iterable
from hashlib import blake2b
from itertools import islice
from typing import Any

import numpy as np
from datasets import Dataset, IterableDataset

STREAMED_PER_HELD_OUT = 100
"""Of a stream, so many texts are looked at for each one that is held out."""


def text_hash(text: str) -> int:
    """Hash a text to a number from 0 to 2**64 - 1, the same everywhere."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


def hold_out(corpus: Dataset | IterableDataset, number: int) -> tuple[Any, Dataset]:
    """Split a corpus by the hashes of its texts, so that the same text is never on both sides.

    What is held out does not depend on the corpus's order. Of a stream, the first texts (100 for each that is held
    out) are read to find the hash below which a text is held out; texts below it that come later are neither trained
    on nor evaluated.

    Args:
        corpus: With the column `text`.
        number: How many texts to hold out; fewer where the next one stands in the corpus several times, and more only
            where the very first does.

    Returns:
        What is left to train on, of the kind of the corpus, and what is held out.
    """
    streamed = isinstance(corpus, IterableDataset)
    texts = [example["text"] for example in (islice(corpus, number * STREAMED_PER_HELD_OUT) if streamed else corpus)]

    highest = _highest_held_out(map(text_hash, texts), number)
    held_out = [text for text in texts if text_hash(text) <= highest]

    train = corpus.filter(_is_above, input_columns=["text"], fn_kwargs={"highest": highest})
    return train, Dataset.from_dict({"text": held_out})


def _highest_held_out(hashes: Iterable[int], number: int) -> int:
    """Find the highest hash that is held out; texts of one hash stay together."""
    values, counts = np.unique(np.fromiter(hashes, np.uint64), return_counts=True)
    fitting = int(np.searchsorted(np.cumsum(counts), number, side="right"))

    return int(values[max(fitting, 1) - 1])


def _is_above(text: str, highest: int) -> bool:
    return text_hash(text) > highest
