"""Sentences of words and tags as the CoNLL shared tasks have them: a word in each line, its tag the last column."""

from pathlib import Path
from typing import Any

from ..romanian.conllu import read_conllu
from ..romanian.files import DataFileError, read_lines

DOCUMENT = "-DOCSTART-"
WORDS, LABELS = "words", "labels"
Record = dict[str, Any]


def read_conll(path: Path) -> list[Record]:
    """Read sentences with `words` and `labels`: the first column and the last; an empty line ends a sentence.

    Columns stand apart by a tab where there is one in the line, else by spaces. Comments (`# ...`) and `-DOCSTART-`
    lines are left out. A `.conllu` file is read as CoNLL-U, for its UPOS.

    Raises:
        DataFileError: A line has no tag, or another number of columns than the first; or there is no sentence.
    """
    if path.suffix.lower() == ".conllu":
        return [{WORDS: each["words"], LABELS: each["upos"]} for each in read_conllu(path)]

    sentences: list[Record] = [{WORDS: [], LABELS: []}]
    width = 0
    for number, line in enumerate(read_lines(path), 1):
        cells = _cells(line)
        if not cells or cells[0] == DOCUMENT:
            sentences.append({WORDS: [], LABELS: []})
            continue
        if len(cells) == 1 or cells[0].startswith("# "):
            if line.startswith("#"):
                continue

        width = width or len(cells)
        if len(cells) != width or width < 2:
            raise DataFileError(
                path,
                number,
                f"expected {max(width, 2)} columns, a word first and its tag last, found {len(cells)}. Correct that "
                "line.",
            )
        sentences[-1][WORDS].append(cells[0])
        sentences[-1][LABELS].append(cells[-1])

    found = [sentence for sentence in sentences if sentence[WORDS]]
    if not found:
        raise DataFileError(path, 1, "no sentence in this file: a word and its tag stand in each line.")
    return found


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.split("\t")] if "\t" in line else line.split()
