"""Data files read strictly: what is damaged is named by file and line, never skipped."""

import json
from pathlib import Path
from typing import Any


class DataFileError(ValueError):
    """A data file does not hold what its format promises; the message names file and place."""

    def __init__(self, path: Path, place: int | str, problem: str) -> None:
        where = f"line {place}" if isinstance(place, int) else place
        super().__init__(f"{path}, {where}: {problem}")


def read_text(path: Path) -> str:
    """Read a UTF-8 file, with or without byte order mark.

    Raises:
        DataFileError: The file is empty, in another encoding, or padded with zero bytes as an interrupted download is.
    """
    data = path.read_bytes()
    if not data.strip():
        raise DataFileError(path, 1, "the file is empty. Copy or download it again.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        byte = data[error.start]
        raise DataFileError(
            path,
            line,
            f"byte 0x{byte:02x} is not UTF-8, so the file is damaged or in another encoding (such as ISO-8859-16 or "
            f"UTF-16). Convert it with `iconv -t utf-8`, or download it again.",
        ) from None
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise DataFileError(path, line, "zero bytes in a text: the file is half downloaded. Download it again.")
    return text


def read_lines(path: Path) -> list[str]:
    """Lines of a text file; only line feeds end a line, as other separators occur inside real texts."""
    lines = read_text(path).split("\n")
    if lines[-1] == "":
        lines.pop()
    return [line.removesuffix("\r") for line in lines]


def read_columns(path: Path, count: int, columns: str) -> list[list[str]]:
    """Rows of a tab-separated file, without any quoting.

    Args:
        path: The file.
        count: How many columns each row has.
        columns: Their names, for the message.
    """
    rows = []
    for number, line in enumerate(read_lines(path), 1):
        row = line.split("\t")
        if len(row) != count:
            raise DataFileError(
                path,
                number,
                f"expected {count} tab-separated columns ({columns}), found {len(row)}: the file is damaged, half "
                f"downloaded, or of another format. Download it again.",
            )
        rows.append(row)
    return rows


def read_json(path: Path) -> Any:
    """Contents of a JSON file."""
    try:
        return json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise DataFileError(
            path,
            error.lineno,
            f"column {error.colno}: not valid JSON ({error.msg}): the file is damaged or half downloaded. "
            f"Download it again.",
        ) from None
