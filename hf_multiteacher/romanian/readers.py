"""The original distribution files of RONEC, LaRoSeDa, MOROCO and RO-STS."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .files import DataFileError, read_columns, read_json, read_lines

DIALECTS = {"1": "Moldavian", "2": "Romanian"}
SIGN = {"1": "negative", "2": "negative", "4": "positive", "5": "positive"}


def _records(path: Path, records: Any, fields: Sequence[str]) -> list[dict[str, Any]]:
    if not isinstance(records, list) or not records:
        raise DataFileError(path, 1, "expected a list of records. Point to the data set's own file.")
    for number, record in enumerate(records, 1):
        missing = [field for field in fields if not isinstance(record, dict) or field not in record]
        if missing:
            raise DataFileError(path, f"record {number}", f"expected the fields {list(fields)}, {missing} missing.")
    return records


def _check_texts(path: Path, place: str, record: dict[str, Any], fields: Sequence[str], *, several: bool) -> None:
    """Refuse a field that holds no text; or, where it has several, no list of texts."""
    for field in fields:
        value = record[field]
        right = isinstance(value, list) and all(isinstance(each, str) for each in value)
        if not (right if several else isinstance(value, str)):
            wanted = "a list of texts" if several else "a text"
            raise DataFileError(
                path,
                place,
                f"expected {wanted} in the field '{field}', found {value!r:.40}: the file is damaged. Download it "
                "again.",
            )


def read_ronec(path: Path) -> list[dict[str, Any]]:
    """Read RONEC version 2: sentences with `words` and `ner` (BIO2)."""
    sentences = []
    for number, record in enumerate(_records(path, read_json(path), ("id", "tokens", "ner_tags")), 1):
        place = f"record {number} (id {record['id']})"
        _check_texts(path, place, record, ("tokens", "ner_tags"), several=True)
        words, tags = record["tokens"], record["ner_tags"]
        if len(words) != len(tags):
            raise DataFileError(
                path,
                place,
                f"{len(words)} tokens and {len(tags)} tags, expected as many: the file is damaged. Download it again.",
            )
        sentences.append({"words": words, "ner": tags})
    return sentences


def read_laroseda(path: Path) -> list[dict[str, Any]]:
    """Read LaRoSeDa: reviews with title (`text`), content (`text_pair`), stars (`sar`) and their sign (`sapn`)."""
    data = read_json(path)
    if not isinstance(data, dict) or "reviews" not in data:
        raise DataFileError(path, 1, "expected an object with the field 'reviews'. Point to laroseda_train.json.")
    reviews = []
    for number, record in enumerate(_records(path, data["reviews"], ("title", "content", "starRating")), 1):
        place, stars = f"record {number}", str(record["starRating"])
        _check_texts(path, place, record, ("title", "content"), several=False)
        if stars not in SIGN:
            raise DataFileError(path, place, f"expected a rating of 1, 2, 4 or 5 stars, found '{stars}'.")
        reviews.append({"text": record["title"], "text_pair": record["content"], "sar": stars, "sapn": SIGN[stars]})
    return reviews


def read_moroco(folder: Path) -> list[dict[str, Any]]:
    """Read a folder of MOROCO: `samples.txt` and `dialect_labels.txt`, each line an id, a tab and the rest.

    The texts are in `text`, the dialects in `di`.
    """
    samples, labels = folder / "samples.txt", folder / "dialect_labels.txt"
    rows = [line.split("\t", 1) for line in read_lines(samples)]
    targets = read_columns(labels, 2, "id, label")
    texts = []
    for number, row in enumerate(rows, 1):
        if len(row) != 2:
            raise DataFileError(samples, number, "expected an id, a tab and a text: the file is damaged.")
        if number > len(targets) or targets[number - 1][0] != row[0]:
            raise DataFileError(labels, number, f"expected the label of sample '{row[0]}'. Download both files again.")
        if targets[number - 1][1] not in DIALECTS:
            raise DataFileError(labels, number, f"expected 1 (Moldavian) or 2, found '{targets[number - 1][1]}'.")
        texts.append({"text": row[1], "di": DIALECTS[targets[number - 1][1]]})
    if len(targets) > len(rows):
        raise DataFileError(
            samples, len(rows), f"{len(rows)} samples for {len(targets)} labels: half downloaded. Download it again."
        )
    return texts


def read_ro_sts(path: Path) -> list[dict[str, Any]]:
    """Read RO-STS: pairs with `text`, `text_pair` and `sts` (0 to 5). Quotes are ordinary characters."""
    pairs = []
    for number, (score, first, second) in enumerate(read_columns(path, 3, "score, sentence, sentence"), 1):
        try:
            similarity = float(score)
        except ValueError:
            similarity = math.nan
        if not 0 <= similarity <= 5:
            raise DataFileError(path, number, f"expected a similarity from 0 to 5, found '{score}'.")
        pairs.append({"text": first, "text_pair": second, "sts": similarity})
    return pairs
