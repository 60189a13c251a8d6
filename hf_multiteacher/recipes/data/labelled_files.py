"""Data with labels: a file, a folder of files, a mapping of parts to files, or a data set's id, as data sets."""

import csv
import io
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow
from datasets import Dataset, DatasetDict, load_dataset
from pyarrow import parquet

from ...romanian.files import DataFileError, read_text
from .conll import read_conll
from .listed import listed

TRAIN, VALIDATION, TEST = "train", "validation", "test"
PARTS = {"train": TRAIN, "training": TRAIN, "test": TEST, "testing": TEST} | dict.fromkeys(
    ("validation", "valid", "val", "dev", "development"), VALIDATION
)
"""What a file or a split may be called -> which part it is."""

Records = list[dict[str, Any]]


def read_parts(data: str | Mapping[Any, str]) -> dict[str, Dataset]:
    """Read the parts of a labelled data set.

    Args:
        data: A file; a folder with files whose names tell the part (`train.csv`, `dev.csv`, `test.csv`); a mapping of
            parts to files; or the id of a data set, optionally with a configuration: `stanfordnlp/sst2`,
            `nyu-mll/glue:sst2`.

    Returns:
        `train`, `validation`, `test` -> data set, in this order, those that are there; a single file is `train`.

    Raises:
        ValueError: There is no such file or data set, or it cannot be read; the message names file and line.
    """
    if isinstance(data, Mapping):
        found = {part: Path(file) for part, file in data.items()}
    elif Path(data).is_dir():
        found = files_of(Path(data))
    elif Path(data).exists() or Path(data).suffix.lower() in READERS:
        found = {TRAIN: Path(data)}
    else:
        return _ordered(_from_id(data))

    return _ordered({part: read_file(path) for part, path in found.items()})


def files_of(folder: Path) -> dict[str, Path]:
    """Find the files of a folder whose names say which part of a data set they are.

    Raises:
        ValueError: There is none, or there are two for one part.
    """
    found: dict[str, Path] = {}
    for path in sorted(path for path in folder.iterdir() if path.suffix.lower() in READERS):
        words = re.split(r"[^a-z]+", path.stem.lower())
        for part in dict.fromkeys(PARTS[word] for word in words if word in PARTS):
            if part in found:
                raise ValueError(
                    f"'{folder}' has two files for {part}: {found[part].name} and {path.name}. Name the right ones: "
                    "data: {train: FILE, test: FILE}."
                )
            found[part] = path

    if TRAIN not in found:
        raise ValueError(
            f"'{folder}' must hold a file named train ({', '.join(READERS)}), but has "
            f"{', '.join(path.name for path in found.values()) or 'none'}. Rename the file, or name it: data: "
            "{train: FILE, test: FILE}."
        )
    return found


def read_file(path: Path) -> Dataset:
    """Read one file as its name's ending says; every text stays as it stands in the file.

    Raises:
        ValueError: It is not there, of no known kind, damaged or empty.
    """
    read = READERS.get(path.suffix.lower())
    if read is None or not path.is_file():
        fault = "there is no such file" if not path.is_file() else f"ends in '{path.suffix}'"
        raise ValueError(f"'{path}' must be a file that ends in {', '.join(READERS)}, but {fault}. Check the path.")

    dataset = read(path)
    if not len(dataset):
        raise ValueError(f"'{path}' holds no example. Check its content.")
    return dataset


# ---- Kinds of files ----


def _read_csv(path: Path) -> Dataset:
    return _of_rows(path, _rows_of(path, read_text(path), delimiter=","))


def _read_tsv(path: Path) -> Dataset:
    """Read a table with tabs: quotes around a cell are taken off, unless some cell has a quote of its own."""
    text = read_text(path)
    try:
        rows = _rows_of(path, text, delimiter="\t")
        return _of_rows(path, rows)
    except DataFileError:
        return _of_rows(path, _rows_of(path, text, delimiter="\t", quoting=csv.QUOTE_NONE))


def _rows_of(path: Path, text: str, **form: Any) -> list[tuple[int, list[str]]]:
    """Return the rows of a table that are not empty, each with the number of its last line."""
    csv.field_size_limit(2**31 - 1)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, **form)
    try:
        return [(reader.line_num, row) for row in reader if row]
    except csv.Error as error:
        raise DataFileError(path, reader.line_num, f"{error}. Correct the quotes around that cell.") from None


def _of_rows(path: Path, rows: list[tuple[int, list[str]]]) -> Dataset:
    (_, header), *others = rows or [(1, [])]
    if len({*header}) < len(header) or not all(name.strip() for name in header):
        raise DataFileError(
            path, 1, f"the first row must name each column once, found {listed(header)}. Add the names."
        )

    for number, row in others:
        if len(row) != len(header):
            raise DataFileError(
                path,
                number,
                f"expected {len(header)} cells, as the first row has ({', '.join(header)}), found {len(row)}. Correct "
                "that row.",
            )
    columns = [*zip(*(row for _, row in others), strict=True)] or [()] * len(header)
    return Dataset.from_dict({name.strip(): [*column] for name, column in zip(header, columns, strict=True)})


def _read_json(path: Path) -> Dataset:
    """Read a list of records, an object that holds one (`data: [...]`), or a record in each line."""
    text = read_text(path)
    try:
        content = json.loads(text)
    except json.JSONDecodeError:
        return _read_json_lines(path)

    lists = [content] if isinstance(content, list) else [*_values(content)]
    records = next((each for each in lists if isinstance(each, list)), None)
    if records is None:
        return _of_records(path, [content])
    return _of_records(path, records)


def _values(content: Any) -> list[Any]:
    """Return what an object holds that is nothing but lists of records."""
    values = [*content.values()] if isinstance(content, dict) else []
    return [value for value in values if isinstance(value, list) and value and isinstance(value[0], dict)]


def _read_json_lines(path: Path) -> Dataset:
    records = []
    for number, line in enumerate(read_text(path).split("\n"), 1):
        if not line.strip():
            continue
        try:
            records.append(json.loads(line))
        except json.JSONDecodeError as error:
            raise DataFileError(path, number, f"column {error.colno}: not valid JSON. Correct that line.") from None
    return _of_records(path, records)


def _of_records(path: Path, records: list[Any]) -> Dataset:
    wrong = next((number for number, record in enumerate(records, 1) if not isinstance(record, dict)), None)
    if wrong is not None:
        raise DataFileError(path, f"record {wrong}", "expected an object of column names and values. Correct it.")

    names = dict.fromkeys(name for record in records for name in record)
    columns = {}
    for name in names:
        try:
            columns[name] = pyarrow.array([record.get(name) for record in records])
        except (pyarrow.ArrowException, OverflowError, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise DataFileError(
                path, f"column '{name}'", f"its values are of different kinds ({reason}). Write all of them alike."
            ) from None
    return Dataset(pyarrow.table(columns))


def _read_parquet(path: Path) -> Dataset:
    try:
        return Dataset(parquet.read_table(path))
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise ValueError(f"'{path}' cannot be read as parquet: {str(error).splitlines()[0]}. Copy it anew.") from error


def _read_conll(path: Path) -> Dataset:
    return Dataset.from_list(read_conll(path))


READERS: dict[str, Callable[[Path], Dataset]] = {
    ".csv": _read_csv,
    ".tsv": _read_tsv,
    ".json": _read_json,
    ".jsonl": _read_json_lines,
    ".parquet": _read_parquet,
    ".conll": _read_conll,
    ".conllu": _read_conll,
}
"""Ending of a file's name -> what reads it."""


# ---- Data sets by their id ----


def _from_id(source: str) -> dict[str, Dataset]:
    name, _, configuration = source.partition(":")
    try:
        loaded = load_dataset(name, configuration or None)
    except Exception as error:
        raise ValueError(
            f"'{source}' is neither a file ({', '.join(READERS)}) nor a folder, nor a data set that can be loaded "
            f"({type(error).__name__}: {(str(error).splitlines() or [''])[0]}). Check the path or the id."
        ) from error

    splits = loaded if isinstance(loaded, DatasetDict) else {TRAIN: loaded}
    parts = {PARTS[str(split)]: part for split, part in splits.items() if str(split) in PARTS}
    if TRAIN not in parts:
        raise ValueError(f"The data set '{source}' has no part 'train', only {', '.join(map(str, splits))}.")
    return parts


def _ordered(parts: Mapping[str, Dataset]) -> dict[str, Dataset]:
    return {part: parts[part] for part in (TRAIN, VALIDATION, TEST) if part in parts}
