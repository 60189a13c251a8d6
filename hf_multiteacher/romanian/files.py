"""Data files read strictly, and written strictly: what is damaged is named by file and line, never skipped."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any


class DataFileError(ValueError):
    """A data file does not hold what its format promises; the message names file and place.

    Args:
        path: The file.
        place: The number of a line, or another place in words; empty where it is the whole file.
        problem: What is wrong there.
    """

    def __init__(self, path: Path, place: int | str, problem: str) -> None:
        where = f"line {place}" if isinstance(place, int) else place
        super().__init__(f"{', '.join(filter(None, (str(path), where)))}: {problem}")


def read_text(path: Path) -> str:
    """Read a UTF-8 file, with or without byte order mark.

    Raises:
        DataFileError: The file is empty, in another encoding, or padded with zero bytes as an interrupted download is.
    """
    data = path.read_bytes()
    if not data.strip():
        raise DataFileError(path, "", "the file is empty. Copy or download it again.")

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
            f"column {error.colno}: not valid JSON: the file is damaged or half downloaded. Download it again.",
        ) from None


def check_records(path: Path, records: Any, fields: Sequence[str]) -> list[dict[str, Any]]:
    """Return what a JSON file holds if it is a list of records that have these fields.

    Raises:
        DataFileError: It is no list, or a record lacks a field.
    """
    if not isinstance(records, list) or not records:
        raise DataFileError(path, 1, "expected a list of records. Point to the data set's own file.")

    for number, record in enumerate(records, 1):
        missing = [field for field in fields if not isinstance(record, dict) or field not in record]
        if missing:
            raise DataFileError(
                path,
                f"record {number}",
                f"expected the fields {', '.join(fields)}, but not found: {', '.join(missing)}.",
            )
    return records


def check_texts(path: Path, place: str, record: dict[str, Any], fields: Sequence[str], *, several: bool) -> None:
    """Refuse a field that holds no text; or, where it has several, no list of texts.

    Raises:
        DataFileError: There is one.
    """
    for field in fields:
        value = record[field]
        if several:
            right = isinstance(value, list) and all(isinstance(each, str) for each in value)
        else:
            right = isinstance(value, str)

        if not right:
            wanted = "a list of texts" if several else "a text"
            raise DataFileError(
                path,
                place,
                f"expected {wanted} in the field '{field}', found {value!r:.40}: the file is damaged. Download it "
                "again.",
            )


def check_tags(writer: str, words: Sequence[Sequence[str]], tags: Sequence[Sequence[str]]) -> None:
    """Refuse to write predictions that are not one tag for each word.

    Args:
        writer: Who expects them, for the message.
        words: Words of each sentence.
        tags: Tags of each sentence.

    Raises:
        ValueError: Sentences and tags differ in number.
    """
    expected, got = [len(row) for row in words], [len(row) for row in tags]
    if expected == got:
        return

    pairs = enumerate(zip(expected, got, strict=False))
    places = [f"sentence {i} has {one} words and {other} tags" for i, (one, other) in pairs if one != other]
    where = places[0] if places else f"{len(expected)} sentences and {len(got)} rows of tags"
    raise ValueError(
        f"{writer} expects one tag for each word: {where}, so tags would land on other words. Predict every word "
        f"of the same split, long sentences too."
    )
