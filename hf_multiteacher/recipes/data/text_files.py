"""Text files, compressed or not, read in blocks: no line is too long for the memory, no damage goes unnoticed."""

import codecs
import gzip
import io
import lzma
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

SUFFIXES: dict[str, Callable[..., Any]] = {".txt": open, ".xz": lzma.open, ".gz": gzip.open}
BLOCK = 2**16
"""So many bytes are read at once; a line of more characters is read in pieces."""
LONGEST_LINE = 10**7
TAIL = 4096
XZ_BEGINS, XZ_ENDS = b"\xfd7zXZ\0", b"YZ"
ADVICE = "Text must be whole and in UTF-8: copy the file anew or convert it."


def text_files(path: str | Path) -> list[Path]:
    """List a text file, or the `.txt`, `.txt.xz` and `.txt.gz` files of a folder in the order of their names.

    Raises:
        ValueError: There is no such file or folder, no text file in it, or something by such a name that is no file.
    """
    path = Path(path)
    found = [path] if path.is_file() else sorted(file for file in path.glob("*") if file.suffix in SUFFIXES)

    if not found or any(file.suffix not in SUFFIXES for file in found):
        fault = "has none" if path.is_dir() else "is something else" if path.exists() else "is not there"
        raise ValueError(
            f"'{path}' must be a text file or a folder with text files ({', '.join(SUFFIXES)}), but {fault}. Check "
            "the path, or give the id of a data set on the Hub."
        )

    for file in found:
        if not file.is_file():
            raise ValueError(f"'{file}' has the name of a text file, but is none (a folder, a pipe, a dead link?).")
    return found


def read_lines(files: Iterable[Path]) -> Iterator[str]:
    """Yield the lines of text files as they are, without their ends; an empty line after each file.

    Raises:
        ValueError: A file is no UTF-8 text or is damaged, or has a line that nobody can want; the message names file
            and line.
    """
    for file in files:
        number, line = 0, ""
        for piece, goes_on in _pieces(file):
            line += piece
            if len(line) > LONGEST_LINE:
                raise ValueError(
                    f"{file.name}, after line {number}: a line has more than {LONGEST_LINE:,} characters. Break it: "
                    "one text per line is expected."
                )
            if not goes_on:
                yield line
                number, line = number + 1, ""

        yield ""


def read_words(files: Iterable[Path]) -> Iterator[str]:
    """Yield the words of text files in pieces of at most a line; a piece without words stands for an empty line.

    A long line comes in several pieces, cut between two words. Only a word that is longer than a block is cut itself.

    Raises:
        ValueError: A file is no UTF-8 text or is damaged; the message names file and line.
    """
    for file in files:
        begun = False
        for piece, goes_on in _pieces(file):
            words = bool(piece.strip())
            if words or not (begun or goes_on):  # blanks around a cut are no empty line
                yield piece
            begun = goes_on and (begun or words)

        yield ""


def expect_whole_ends(files: Iterable[Path]) -> None:
    """Refuse files whose end tells that they were cut or only half copied, without reading the rest.

    What a `.gz` file holds is only known when it is read.

    Raises:
        ValueError: There is one.
    """
    for file in files:
        with file.open("rb") as stream:
            begin = stream.read(len(XZ_BEGINS))
            stream.seek(max(0, file.stat().st_size - TAIL))
            fault = _fault_at_end(file.suffix, begin, stream.read(TAIL))
        if fault:
            raise ValueError(f"{file.name}, at its end: {fault}. {ADVICE}")


def _fault_at_end(suffix: str, begin: bytes, tail: bytes) -> str:
    if suffix == ".xz" and begin == XZ_BEGINS and not tail.rstrip(b"\0").endswith(XZ_ENDS):
        return "the end of the compressed data is not there"
    if suffix != ".txt":
        return ""
    if b"\0" in tail:
        return "a zero byte, which no text holds"

    try:
        tail.lstrip(bytes(range(0x80, 0xC0))).decode("utf-8")  # the tail may begin within a letter
    except UnicodeDecodeError as error:
        return str(error)
    return ""


def _pieces(file: Path) -> Iterator[tuple[str, bool]]:
    """Yield pieces of lines, and whether the line goes on in the next one; put together they are the lines."""
    number, rest, begun = 0, "", False

    try:
        for block in _blocks(file):
            *lines, rest = (rest + block).split("\n")
            for line in lines:
                yield _text(line), False
                number, begun = number + 1, False

            if len(rest) > BLOCK:
                piece, rest = _cut(_text(rest))
                yield piece, True
                begun = True

        if rest or begun:
            yield _text(rest), False
    except (UnicodeError, EOFError, OSError, lzma.LZMAError, zlib.error) as error:
        raise ValueError(f"{file.name}, after line {number + _lines_before(error)}: {error}. {ADVICE}") from error


def _blocks(file: Path) -> Iterator[str]:
    """Yield what a file holds, decoded, with one kind of line ends, and without a byte-order mark."""
    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder("utf-8-sig")(), translate=True)

    with SUFFIXES[file.suffix](file, "rb") as stream:
        while data := stream.read(BLOCK):
            yield decoder.decode(data)
    yield decoder.decode(b"", final=True)


def _text(line: str) -> str:
    if "\0" in line:
        raise UnicodeError("a zero byte, which no text holds")
    return line


def _cut(text: str) -> tuple[str, str]:
    """Cut a text before its last word, which may go on; a text of one word is taken as it is."""
    words = text.rsplit(maxsplit=1)
    if len(words) < 2 or text[-1].isspace():
        return text, ""
    return text[: -len(words[-1])], words[-1]


def _lines_before(error: Exception) -> int:
    """How many lines of a block ended before the byte that is no UTF-8."""
    if not isinstance(error, UnicodeDecodeError):
        return 0
    return error.object[: error.start].replace(b"\r\n", b"\n").replace(b"\r", b"\n").count(b"\n")
