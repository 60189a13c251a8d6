"""Sentences of words and tags as the CoNLL shared tasks have them: a word in each line, its tag the last column."""

import re
from pathlib import Path
from typing import Any

from ...romanian.conllu import read_conllu
from ...romanian.files import DataFileError, read_lines

DOCUMENT = "-DOCSTART-"
COMMENT = re.compile(r"#\s*[\w.:-]+ = ")
WORDS, LABELS = "words", "labels"
Record = dict[str, Any]


def read_conll(path: Path) -> list[Record]:
    """Read sentences with `words` and `labels`: the first column and the last; an empty line ends a sentence.

    Columns stand apart by a tab where there is one in the line, else by spaces. `-DOCSTART-` lines are left out, and
    comments: lines that start with `#` and have another number of columns, or the form `# key = value`. A `.conllu`
    file is read as CoNLL-U, for its UPOS.

    Raises:
        DataFileError: A line has no tag, or another number of columns than the first; or there is no sentence.
    """
    if path.suffix.lower() == ".conllu":
        return [{WORDS: each["words"], LABELS: each["upos"]} for each in read_conllu(path)]

    rows = [(number, line, _cells(line)) for number, line in enumerate(read_lines(path), 1)]
    width = next((len(cells) for _, line, cells in rows if cells and not _may_be_comment(line, cells)), 0)

    sentences: list[Record] = [_new()]
    for number, line, cells in rows:
        if not cells or cells[0] == DOCUMENT:
            sentences.append(_new())
        elif len(cells) == width >= 2 and not COMMENT.match(line):
            sentences[-1][WORDS].append(cells[0])
            sentences[-1][LABELS].append(cells[-1])
        elif not line.startswith("#"):
            raise DataFileError(
                path,
                number,
                f"expected {max(width, 2)} columns, a word first and its tag last, found {len(cells)}. Correct that "
                "line.",
            )

    found = [sentence for sentence in sentences if sentence[WORDS]]
    if not found:
        raise DataFileError(path, "", "no sentence in this file: a word and its tag stand in each line.")
    return found


def _new() -> Record:
    return {WORDS: [], LABELS: []}


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.split("\t")] if "\t" in line else line.split()


def _may_be_comment(line: str, cells: list[str]) -> bool:
    """Whether a line says nothing sure of the number of columns."""
    return line.startswith("#") or cells[0] == DOCUMENT
