"""CoNLL-U: sentences with UPOS and XPOS."""

import re
from pathlib import Path
from typing import Any

from .files import DataFileError, read_lines

COLUMNS = 10
COLUMN_OF = {"upos": 3, "xpos": 4}
_ID = re.compile(r"\d+([-.]\d+)?")


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


def is_word(row: list[str]) -> bool:
    """Whether a line is a syntactic word: no range of a multiword token (3-4), no empty node (3.1)."""
    return row[0].isdigit()


def _surface(rows: list[list[str]]) -> str:
    """Characters of a sentence: multiword tokens in place of their words, no empty nodes."""
    text, covered = "", 0
    for row in rows:
        first, _, last = row[0].partition("-")
        if last:
            covered = int(last)
            text += row[1]
        elif is_word(row) and int(first) > covered:
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


def _sentence(path: Path, start: int, rows: list[list[str]]) -> dict[str, Any]:
    words = [row for row in rows if is_word(row)]
    for expected, row in enumerate(words, 1):
        if int(row[0]) != expected:
            raise DataFileError(
                path, start, f"in the sentence that starts here, word {expected} is missing (found {row[0]})."
            )
    return {column: [row[index] for row in words] for column, index in (("words", 1), *COLUMN_OF.items())}


def read_conllu(path: Path) -> list[dict[str, Any]]:
    """Read sentences with `words`, `upos` and `xpos`; comments, multiword ranges and empty nodes carry no tags.

    Raises:
        DataFileError: A line has not ten columns, or no word or tag; word numbers do not count up; or the file ends
            inside a sentence, which its `# text` tells.
    """
    sentences: list[dict[str, Any]] = []
    rows: list[list[str]] = []
    text, start, lines = None, 1, read_lines(path)
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
        raise DataFileError(path, 1, "no sentence in this file: it is not CoNLL-U. Point to the treebank's files.")
    return sentences
