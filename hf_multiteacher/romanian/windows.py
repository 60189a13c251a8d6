"""Sentences longer than a model can read, cut into overlapping windows so that every word gets one prediction."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from datasets import Dataset, Features, Value
from datasets import Sequence as SequenceFeature

IGNORED = -100
Sentences = list[list[str]]


@dataclass(frozen=True)
class Window:
    """Words `start:stop` of a sentence; of these, `first:last` are predicted here, the rest is context."""

    start: int
    stop: int
    first: int
    last: int


def _reach(lengths: Sequence[int], start: int, step: int, room: int) -> int:
    """How many words from `start` in direction `step` fit into `room` tokens."""
    count = 0
    position = start

    while 0 <= position < len(lengths) and lengths[position] <= room:
        room -= lengths[position]
        position += step
        count += 1
    return count


def cut_windows(lengths: Sequence[int], room: int) -> list[Window]:
    """Cut a sentence into windows with an eighth of context on each side.

    Args:
        lengths: Tokens of each word.
        room: Tokens that fit into a window.

    Returns:
        Windows whose predicted parts are the sentence, in order and without gaps. A single word that does not fit
        has a window of its own, where the tokenizer keeps its beginning.

    Example:
        >>> cut_windows([1] * 12, room=8)
        [Window(start=0, stop=8, first=0, last=7), Window(start=6, stop=12, first=7, last=12)]
    """
    windows: list[Window] = []
    context = room // 8
    first = 0

    while True:
        start = first - _reach(lengths, first - 1, -1, context)
        stop = start + _reach(lengths, start, 1, room)
        if stop <= first:
            start, stop = first, first + max(1, _reach(lengths, first, 1, room))

        if stop >= len(lengths):
            return [*windows, Window(start, len(lengths), first, len(lengths))]

        last = stop - min(_reach(lengths, stop - 1, -1, context), stop - first - 1)
        windows.append(Window(start, stop, first, last))
        first = last


def _as_given(tokenizer: Any, sentences: Sentences) -> Sentences:
    return sentences


def _whole(tokenizer: Any, sentences: Sentences) -> Any:
    """Encode whole sentences, without the warning that they are too long for the model: it is given windows."""
    return tokenizer(sentences, is_split_into_words=True, add_special_tokens=False, truncation=False, verbose=False)


def _word_lengths(
    sentences: Sentences, tokenizers: Sequence[Any], write: Callable[[Any, Sentences], Sentences]
) -> list[list[int]]:
    """Tokens of each word, the most that any tokenizer needs."""
    lengths = [[0] * len(words) for words in sentences]

    for tokenizer in tokenizers:
        written = write(tokenizer, sentences)
        encoding = _whole(tokenizer, written)

        for row, counts in enumerate(lengths):
            own = [0] * len(counts)
            for word in encoding.word_ids(row):
                own[word] += 1
            lengths[row] = [max(pair) for pair in zip(counts, own, strict=True)]
    return lengths


def _make_visible(sentences: Sentences, tokenizers: Sequence[Any]) -> Sentences:
    """Replace words that a tokenizer drops (control characters alone) by its unknown token."""
    for tokenizer in tokenizers:
        encoding = _whole(tokenizer, sentences)
        seen = [set(encoding.word_ids(row)) for row in range(len(sentences))]
        instead = tokenizer.unk_token or "?"

        sentences = [
            [word if index in kept else instead for index, word in enumerate(words)]
            for words, kept in zip(sentences, seen, strict=True)
        ]
    return sentences


def split_long_sentences(
    dataset: Dataset,
    tokenizers: Sequence[Any],
    max_length: int,
    write: Callable[[Any, Sentences], Sentences] = _as_given,
) -> Dataset:
    """Cut the sentences of a tagging data set into windows that every tokenizer fits into `max_length` tokens.

    Words that are context only have the label -100, so losses and metrics see each word once. A word that a tokenizer
    drops becomes its unknown token, so that every model has a prediction for it.

    Args:
        dataset: With `words` and `labels`.
        tokenizers: The student's tokenizer first, then the teachers'.
        max_length: Longest input in tokens, special tokens included.
        write: How the words of sentences are written for a tokenizer when they are encoded later; as they are by
            default.

    Returns:
        Data set with `words`, `labels` and `sentence` (the row that the window is from), in order.

    Raises:
        ValueError: `max_length` leaves no room beside the special tokens.
    """
    room = max_length - max(tokenizer.num_special_tokens_to_add() for tokenizer in tokenizers)
    if room < 1:
        raise ValueError(f"split_long_sentences expects room for words, but max_length={max_length} holds none.")

    def cut(batch: dict[str, list[Any]], rows: list[int]) -> dict[str, list[Any]]:
        """Windows of a batch of sentences."""
        sentences = _make_visible(batch["words"], tokenizers)
        columns: dict[str, list[Any]] = {"words": [], "labels": [], "sentence": []}

        tags = zip(rows, sentences, batch["labels"], _word_lengths(sentences, tokenizers, write), strict=True)
        for row, words, labels, lengths in tags:
            for window in cut_windows(lengths, room):
                inside = range(window.start, window.stop)
                columns["words"].append(words[window.start : window.stop])
                columns["labels"].append([labels[i] if window.first <= i < window.last else IGNORED for i in inside])
                columns["sentence"].append(row)
        return columns

    columns = {"words": SequenceFeature(Value("string")), "labels": SequenceFeature(Value("int64"))}
    features = Features(columns | {"sentence": Value("int64")})
    return dataset.map(cut, batched=True, with_indices=True, remove_columns=dataset.column_names, features=features)


def merge_windows(
    sentences: Sequence[int], predictions: Sequence[Sequence[int]], labels: Sequence[Sequence[int]]
) -> list[list[int]]:
    """Put the predictions of windows together to one prediction per word.

    Score the result: an entity that goes over the edge of a window is whole again.

    Args:
        sentences: Column `sentence` of the windows.
        predictions: [windows, length] predicted label of each token.
        labels: [windows, length] label of each token, -100 where nothing is asked.

    Returns:
        Predicted labels of the words of each sentence.
    """
    merged: list[list[int]] = [[] for _ in range(max(sentences, default=-1) + 1)]

    for sentence, row, asked in zip(sentences, predictions, labels, strict=True):
        merged[sentence] += [int(p) for p, label in zip(row, asked, strict=True) if label != IGNORED]
    return merged
