"""CoNLL-U: sentences with UPOS and XPOS, read and written."""

import re
from collections.abc import Sequence
from pathlib import Path

from ..whole_file import write_text
from .files import DataFileError, check_tags, read_lines
from .source import Record

COLUMNS = 10
COLUMN_OF = {"upos": 3, "xpos": 4}
_ID = re.compile(r"\d+([-.]\d+)?")
Rows = Sequence[Sequence[str]]


def _is_word(row: list[str]) -> bool:
    """Whether a line is a syntactic word: no range of a multiword token (3-4), no empty node (3.1)."""
    return row[0].isdigit()


# ---- Reading ----


def _row(path: Path, number: int, line: str) -> list[str]:
    row = line.split("\t")
    if len(row) != COLUMNS:
        raise DataFileError(
            path,
            number,
            f"CoNLL-U has {COLUMNS} tab-separated columns in a word line, this one has {len(row)}: the file is "
            f"damaged or half downloaded. Download it again.",
        )

    if not _ID.fullmatch(row[0]):
        raise DataFileError(path, number, f"CoNLL-U starts a word line with its number, found '{row[0]}'.")

    first, _, last = row[0].partition("-")
    if last and int(last) < int(first):
        raise DataFileError(path, number, f"the range {row[0]} of a multiword token ends before it starts.")

    for column, index in (("word", 1), *COLUMN_OF.items()):
        if not row[index].strip():
            raise DataFileError(
                path, number, f"column {index + 1} ({column}) is empty, where CoNLL-U wants at least _."
            )

    return row


def _surface(rows: list[list[str]]) -> str:
    """Characters of a sentence: multiword tokens in place of their words, no empty nodes."""
    text = ""
    covered = 0

    for row in rows:
        first, _, last = row[0].partition("-")
        if last:
            covered = int(last)
            text += row[1]
        elif _is_word(row) and int(first) > covered:
            text += row[1]
    return re.sub(r"\s", "", text)


def _check_complete(path: Path, number: int, rows: list[list[str]], text: str | None) -> None:
    if text is not None and re.sub(r"\s", "", text) != _surface(rows):
        raise DataFileError(
            path,
            number,
            "the file ends inside a sentence: its words are not those of its '# text' comment, so it is half "
            "downloaded. Download it again.",
        )


def _sentence(path: Path, start: int, rows: list[list[str]]) -> Record:
    words = [row for row in rows if _is_word(row)]

    for expected, row in enumerate(words, 1):
        if int(row[0]) != expected:
            raise DataFileError(
                path, start, f"in the sentence that starts here, word {expected} is missing (found {row[0]})."
            )
    return {column: [row[index] for row in words] for column, index in (("words", 1), *COLUMN_OF.items())}


def read_conllu(path: Path) -> list[Record]:
    """Read sentences with `words`, `upos` and `xpos`; comments, multiword ranges and empty nodes carry no tags.

    Raises:
        DataFileError: A line has not ten columns, or no word or tag; word numbers do not count up; or the file ends
            inside a sentence, which its `# text` tells.
    """
    sentences: list[Record] = []
    rows: list[list[str]] = []
    text, start = None, 1
    lines = read_lines(path)

    for number, line in enumerate([*lines, ""], 1):
        if line.startswith("#"):
            text = line.partition("# text = ")[2] or text
        elif line.strip():
            start = number if not rows else start
            rows.append(_row(path, number, line))
        else:
            if number > len(lines):
                _check_complete(path, len(lines), rows, text if rows else None)
            if rows:
                sentences.append(_sentence(path, start, rows))
            rows, text = [], None

    if not sentences:
        raise DataFileError(path, "", "no sentence in this file: it is not CoNLL-U. Point to the treebank's files.")
    return sentences


# ---- Writing ----


def _plain_sentence(words: Sequence[str], tags: Sequence[str], column: str) -> list[str]:
    lines = []
    for number, (word, tag) in enumerate(zip(words, tags, strict=True), 1):
        head, relation = ("0", "root") if number == 1 else ("1", "dep")
        row = [str(number), word, *["_"] * 4, head, relation, "_", "_"]
        row[COLUMN_OF[column]] = tag
        lines.append("\t".join(row))

    return [*lines, ""]


def _replace_tags(source: Path, tags: Rows, column: str) -> list[str]:
    check_tags(f"write_conllu with source {source}", [s["words"] for s in read_conllu(source)], tags)
    remaining = iter([tag for sentence in tags for tag in sentence])

    lines = []
    for line in read_lines(source):
        row = line.split("\t")
        if len(row) == COLUMNS and _is_word(row):
            row[COLUMN_OF[column]] = next(remaining)
        lines.append("\t".join(row))
    return lines if lines[-1] == "" else [*lines, ""]


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
    check_tags("write_conllu", words, tags)

    if source is None:
        pairs = zip(words, tags, strict=True)
        lines = [line for sentence, row in pairs for line in _plain_sentence(sentence, row, column)]
    else:
        lines = _replace_tags(Path(source), tags, column)

    write_text(path, "\n".join(lines) + "\n")
