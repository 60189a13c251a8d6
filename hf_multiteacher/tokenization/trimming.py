"""A smaller tokenizer of the same kind: the pieces that a text uses, under new ids."""

import copy
import json
import reprlib
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Any, cast
from unicodedata import combining

import numpy as np
from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

from .encoder import count_entries
from .merges import Merges
from .settings import as_it_came, unchanged
from .spans import Integers
from .surfaces import BYTE_PIECE, EntryMarks, bytes_of_characters

KINDS = ("Unigram", "WordPiece", "BPE")
BATCH = 1000
State = dict[str, Any]


def trim_tokenizer(
    tokenizer: PreTrainedTokenizerFast, texts: Iterable[str], min_count: int = 1, size: int | None = None
) -> PreTrainedTokenizerFast:
    """Make a smaller tokenizer of the pieces that texts use, which cuts these texts as before.

    Special and added tokens stay, so do single bytes, the characters that occur `min_count` times, and the pieces that
    BPE merges on the way to a longer one: what is cut otherwise than before is cut into smaller pieces, not into
    unknown ones. The order of the pieces stays, and their ids are dense.

    Args:
        tokenizer: A fast tokenizer with a Unigram, WordPiece or BPE model. It is not changed.
        texts: What the smaller one is to read, text by text; it is read once.
        min_count: How often a piece, or a character, occurs to be kept.
        size: How many entries to keep at most, special tokens included: the most frequent ones. All characters stay.

    Returns:
        A tokenizer of the same class, with the same normaliser, settings and special tokens.

    Raises:
        ValueError: There is no text, no room for what must stay, or the model is of another kind.
        TypeError: The tokenizer is not a fast one, or a text is no text.

    Example:
        >>> from tokenizers import Tokenizer, models, pre_tokenizers
        >>> backend = Tokenizer(models.WordPiece({"[UNK]": 0, "a": 1, "##a": 2, "aa": 3, "b": 4}, unk_token="[UNK]"))
        >>> backend.pre_tokenizer = pre_tokenizers.Whitespace()
        >>> tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="[UNK]")
        >>> trim_tokenizer(tokenizer, ["aa"]).get_vocab() == {"[UNK]": 0, "a": 1, "##a": 2, "aa": 3}
        True
    """
    state = _state_of(tokenizer)
    _check_limits(min_count, size)

    counts, unread = _count(tokenizer, texts)
    pieces = _Pieces(tokenizer, state, unread)
    kept = pieces.frequent(counts, min_count) if size is None else pieces.most_frequent(counts, size)

    trimmed: Any = copy.deepcopy(tokenizer)
    trimmed._tokenizer = Tokenizer.from_str(json.dumps(_renumbered(state, kept)))
    trimmed.name_or_path = ""
    return cast(PreTrainedTokenizerFast, trimmed)


def _state_of(tokenizer: Any) -> State:
    if not getattr(tokenizer, "is_fast", False):
        raise TypeError(
            f"trim_tokenizer expects a fast tokenizer, whose vocabulary lies in a tokenizer.json, but got a "
            f"{type(tokenizer).__name__}: there is no such file to trim. Load it with "
            "AutoTokenizer.from_pretrained(..., use_fast=True), or convert it: "
            "PreTrainedTokenizerFast(tokenizer_object=transformers.convert_slow_tokenizer.convert_slow_tokenizer(slow))."
        )

    with as_it_came(tokenizer):
        state: State = json.loads(tokenizer.backend_tokenizer.to_str())
    if state["model"]["type"] not in KINDS:
        raise ValueError(
            f"trim_tokenizer expects a model of type {', '.join(KINDS)}, but this tokenizer's is "
            f"{state['model']['type']}, which has no smaller pieces: every word that is removed would be unknown. "
            "Train a tokenizer with pieces on the texts: train_new_from_iterator of a teacher's."
        )
    return state


def _check_limits(min_count: int, size: int | None) -> None:
    for name, value in (("min_count", min_count), ("size", 1 if size is None else size)):
        if type(value) is not int or value < 1:
            raise ValueError(
                f"trim_tokenizer expects {name} as a whole number from 1 on, but got {value!r}. Give one."
            )

    if size is not None and min_count > 1:
        raise ValueError(
            f"trim_tokenizer expects min_count or size, but got both ({min_count} and {size}): each by itself says "
            "which pieces stay. Leave one of them out."
        )


def _count(tokenizer: PreTrainedTokenizerFast, texts: Iterable[str]) -> tuple[Integers, Counter[str]]:
    """Count how often each entry occurs, [vocabulary], and each character of what the tokenizer cannot read."""
    backend = tokenizer.backend_tokenizer
    counts = np.zeros(count_entries(tokenizer), np.int64)
    unread: Counter[str] = Counter()

    with unchanged(tokenizer):
        backend.no_truncation()
        backend.no_padding()
        for batch in _batches(texts):
            encodings = backend.encode_batch(batch, add_special_tokens=False)
            ids = chain.from_iterable(each.ids for each in encodings)
            counts += np.bincount(np.fromiter(ids, np.int64), minlength=len(counts))

            for text, each in zip(batch, encodings, strict=True):
                unread.update(_unknown_text(tokenizer, text, each))

    if not counts.any():
        raise ValueError(
            "trim_tokenizer expects texts that show which pieces are used, but there is not one token in them: only "
            "special tokens would be left. Give the texts that the smaller tokenizer is to read."
        )
    return counts, unread


def _unknown_text(tokenizer: PreTrainedTokenizerFast, text: str, encoding: Any) -> str:
    """Return what stands in a text where its encoding has the unknown token, as the tokenizer's model is given it."""
    if tokenizer.unk_token_id not in encoding.ids:
        return ""

    places = zip(encoding.ids, encoding.offsets, strict=True)
    unknown = "".join(
        text[start : _with_marks(text, stop)] for index, (start, stop) in places if index == tokenizer.unk_token_id
    )
    normalizer = tokenizer.backend_tokenizer.normalizer
    return unknown if normalizer is None else normalizer.normalize_str(unknown)


def _with_marks(text: str, stop: int) -> int:
    """Move the end of a stretch behind the combining marks of its last letter, which a composed letter leaves out."""
    while stop < len(text) and combining(text[stop]):
        stop += 1
    return stop


def _batches(texts: Iterable[str]) -> Iterator[list[str]]:
    if isinstance(texts, str):
        raise TypeError("trim_tokenizer expects texts one by one, but got one string. Put it in a list: [text].")

    remaining = iter(texts)
    while batch := [*islice(remaining, BATCH)]:
        wrong = next((text for text in batch if not isinstance(text, str)), None)
        if wrong is not None or None in batch:
            raise TypeError(
                f"trim_tokenizer expects texts one by one, but one of them is {reprlib.repr(wrong)}: it cannot be "
                "tokenized. Give strings, such as a column of a data set, and leave out rows without."
            )
        yield batch


class _Pieces:
    """Which entries of a tokenizer stay."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast, state: State, unread: Counter[str]) -> None:
        self._unread = unread
        self._model = state["model"]
        self._marks = EntryMarks(tokenizer)
        self._ids: dict[str, int] = tokenizer.get_vocab()
        self._entries = {index: entry for entry, index in self._ids.items()}
        self._added = {added["id"] for added in state["added_tokens"]}
        self._merges = Merges(self._model) if self._model["type"] == "BPE" else None

        named = {holder[key] for holder, key in _places_of_ids(state)}
        self._always = ({*named, *tokenizer.all_special_ids} & {*self._entries}) | self._unknown() | self._bytes()

    def frequent(self, counts: Integers, min_count: int) -> list[int]:
        """Return the ids of all that occur so often, and of what they need, in rising order."""
        kept = self._always | self._characters(counts, min_count)
        for index in np.flatnonzero(counts >= min_count).tolist():
            kept |= self._needed(index)

        return sorted(kept)

    def most_frequent(self, counts: Integers, size: int) -> list[int]:
        """Return so many ids at most, in rising order.

        Raises:
            ValueError: What must stay is more than that.
        """
        kept = self._always | self._characters(counts, 1)
        if len(kept) > size:
            raise ValueError(
                f"trim_tokenizer expects a size that holds the special tokens and every character of the texts, "
                f"{len(kept)} entries, but got {size}: some characters would be unknown. Give a larger size, or texts "
                "without rare characters; or give min_count, which removes these too."
            )

        by_frequency = np.argsort(-counts, kind="stable")[: np.count_nonzero(counts)]
        for index in by_frequency.tolist():
            more = self._needed(index)
            if len(kept | more) <= size:
                kept |= more
        return sorted(kept)

    def _needed(self, index: int) -> set[int]:
        """Return the id, and those of the pieces that BPE merges on the way to it."""
        if self._merges is None or index in self._added:
            return {index}
        return {index} | {self._ids[part] for part in self._merges.parts(self._entries[index]) if part in self._ids}

    def _unknown(self) -> set[int]:
        """Return what stands for the unknown, and the piece by whose score Unigram weighs it."""
        entries = {self._model.get("unk_token")}
        if self._model["type"] == "Unigram":
            entries |= {min(self._model["vocab"], key=lambda piece: piece[1])[0]}
        return {self._ids[entry] for entry in entries if entry in self._ids}

    def _bytes(self) -> set[int]:
        entries = {*bytes_of_characters()} if self._marks.byte_level else set()
        entries |= {entry + self._marks.word_end for entry in entries if self._marks.word_end}
        if self._model.get("byte_fallback"):
            entries |= {entry for entry in self._ids if BYTE_PIECE.fullmatch(entry)}
        return {self._ids[entry] for entry in entries if entry in self._ids}

    def _characters(self, counts: Integers, min_count: int) -> set[int]:
        """Return the ids of characters that occur so often, at the start of a word and inside."""
        before, after = self._marks.continuation or "", self._marks.word_end or ""
        occurrences = dict(self._unread)
        for index in {*np.flatnonzero(counts).tolist()} - self._always:
            for character in self._entries[index].removeprefix(before).removesuffix(after):
                occurrences[character] = occurrences.get(character, 0) + int(counts[index])

        frequent = [character for character, count in occurrences.items() if count >= min_count]
        forms = {start + each + end for each in frequent for start in ("", before) for end in ("", after)}
        return {self._ids[form] for form in forms if form in self._ids}


def _renumbered(state: State, kept: list[int]) -> State:
    """Return a tokenizer's JSON with some entries only, and their new ids wherever an id stands."""
    state = copy.deepcopy(state)
    new = {index: position for position, index in enumerate(kept)}
    for holder, key in _places_of_ids(state):
        holder[key] = new.get(holder[key], holder[key])

    model = state["model"]
    if model["type"] == "Unigram":
        model["vocab"] = [piece for index, piece in enumerate(model["vocab"]) if index in new]
        return state

    model["vocab"] = {entry: new[index] for entry, index in model["vocab"].items() if index in new}
    if model["type"] == "BPE":
        joined = Merges(model).joined
        model["merges"] = [
            [left, right]
            for left, right in model["merges"]
            if {left, right, joined(left, right)} <= model["vocab"].keys()
        ]
    return state


def _places_of_ids(state: State) -> Iterator[tuple[Any, Any]]:
    """Yield where ids stand in a tokenizer's JSON, its vocabulary apart: what holds each, and under which key."""
    yield from ((added, "id") for added in state["added_tokens"])
    if state["model"].get("unk_id") is not None:
        yield state["model"], "unk_id"
    if state["padding"]:
        yield state["padding"], "pad_id"

    pending = [state["post_processor"] or {}]
    while pending:
        step = pending.pop()
        pending.extend(step.get("processors", []))
        for special in step.get("special_tokens", {}).values():
            yield from ((special["ids"], at) for at in range(len(special["ids"])))
        yield from ((step[name], 1) for name in ("sep", "cls") if name in step)
