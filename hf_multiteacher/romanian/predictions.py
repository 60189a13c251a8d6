"""Predictions in the layouts of the distributions, so that their own scorers can be run."""

import json
from collections.abc import Sequence
from pathlib import Path

from .conllu import COLUMN_OF, COLUMNS, is_word, read_conllu
from .files import read_json, read_lines
from .readers import read_ronec
from .tasks import ENTITY_TAGS

Rows = Sequence[Sequence[str]]


def _check_lengths(writer: str, words: Rows, tags: Rows) -> None:
    expected, got = [len(row) for row in words], [len(row) for row in tags]
    if expected != got:
        pairs = enumerate(zip(expected, got, strict=False))
        places = [f"sentence {i} has {one} words and {other} tags" for i, (one, other) in pairs if one != other]
        where = places[0] if places else f"{len(expected)} sentences and {len(got)} rows of tags"
        raise ValueError(
            f"{writer} expects one tag for each word: {where}, so tags would land on other words. Predict every word "
            f"of the same split, long sentences too."
        )


def _plain_sentence(words: Sequence[str], tags: Sequence[str], column: str) -> list[str]:
    lines = []
    for number, (word, tag) in enumerate(zip(words, tags, strict=True), 1):
        row = [str(number), word, *["_"] * 4, *(("0", "root") if number == 1 else ("1", "dep")), "_", "_"]
        row[COLUMN_OF[column]] = tag
        lines.append("\t".join(row))
    return [*lines, ""]


def write_conllu(
    path: str | Path,
    words: Rows,
    tags: Rows,
    column: str,
    source: str | Path | None = None,
) -> None:
    """Write predicted tags as CoNLL-U, for the official scorers.

    Args:
        path: File to write.
        words: Words of each sentence.
        tags: Predicted tag of each word.
        column: `upos` or `xpos`.
        source: The gold file. When it is given, its comments, word forms, multiword tokens, empty nodes and other
            columns are kept and only `column` is replaced, which is what the scorer of the CoNLL 2018 shared task
            wants. Without it the other columns are left empty and the tree is flat.

    Raises:
        ValueError: Sentences and tags differ in number, or the source holds other sentences.
    """
    _check_lengths("write_conllu", words, tags)
    if source is None:
        pairs = zip(words, tags, strict=True)
        lines = [line for sentence, row in pairs for line in _plain_sentence(sentence, row, column)]
    else:
        lines = _replace_tags(Path(source), tags, column)
    Path(path).write_text("\n".join(lines) + "\n", encoding="utf-8")


def _replace_tags(source: Path, tags: Rows, column: str) -> list[str]:
    _check_lengths(f"write_conllu with source {source}", [s["words"] for s in read_conllu(source)], tags)
    lines, remaining = [], iter([tag for sentence in tags for tag in sentence])
    for line in read_lines(source):
        row = line.split("\t")
        if len(row) == COLUMNS and is_word(row):
            row[COLUMN_OF[column]] = next(remaining)
        lines.append("\t".join(row))
    return lines if lines[-1] == "" else [*lines, ""]


def write_ronec(path: str | Path, words: Rows, tags: Rows, source: str | Path | None = None) -> None:
    """Write predicted entity tags in the layout of RONEC version 2.

    Args:
        path: File to write.
        words: Words of each sentence.
        tags: Predicted tag of each word.
        source: The gold file; its ids, tokens and spaces are kept. Without it sentences are numbered.

    Raises:
        ValueError: Sentences and tags differ in number, or the source holds other sentences.
    """
    _check_lengths("write_ronec", words, tags)
    if source is None:
        records = [{"id": i, "tokens": list(row), "space_after": [True] * len(row)} for i, row in enumerate(words)]
    else:
        _check_lengths(f"write_ronec with source {source}", [s["words"] for s in read_ronec(Path(source))], tags)
        records = read_json(Path(source))
    ids = {tag: number for number, tag in enumerate(ENTITY_TAGS)}
    filled = [
        record | {"ner_tags": list(row), "ner_ids": [ids[tag] for tag in row]}
        for record, row in zip(records, tags, strict=True)
    ]
    Path(path).write_text(json.dumps(filled, ensure_ascii=False), encoding="utf-8")
