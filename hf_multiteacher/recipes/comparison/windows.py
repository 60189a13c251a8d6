"""Sentences that are longer than a model reads, cut so that every model has an answer for every word."""

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
from datasets import Dataset

from ...romanian.windows import IGNORED, split_long_sentences
from ...tokenization.settings import unchanged
from ...tokenization.words import spaced_words
from .examples import Examples


def cut_sentences(examples: Examples, tokenizers: Sequence[Any], max_length: int) -> tuple[Examples, np.ndarray]:
    """Cut sentences into the windows in which `LabelledData` reads a tagging task.

    Args:
        examples: Sentences of words.
        tokenizers: The student's first, then the teachers'.
        max_length: Tokens of a window at most.

    Returns:
        The windows, and where in their words the rows of `examples` stand, `[words of the windows]`; the others are
        context.
    """
    (sentences,) = examples.sequences
    asked = [[0] * len(words) for words in sentences]

    with unchanged(*tokenizers):
        whole = Dataset.from_dict({"words": sentences, "labels": asked})
        windows = split_long_sentences(whole, tokenizers, max_length, spaced_words)

    labels = np.fromiter(chain.from_iterable(windows["labels"]), np.int64)
    return Examples(examples.kind, [windows["words"][:]]), labels != IGNORED
