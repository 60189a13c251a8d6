"""The original distribution files of RONEC, LaRoSeDa, MOROCO and RO-STS."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .data_file import DataFileError, read_columns, read_json, read_lines

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


def read_ronec(path: Path) -> list[dict[str, Any]]:
    """Read RONEC version 2: sentences with `words` and `ner` (BIO2), `id` and `space_after` as in the file."""
    sentences = []
    for number, record in enumerate(_records(path, read_json(path), ("id", "tokens", "ner_tags")), 1):
        words, tags = record["tokens"], record["ner_tags"]
        space_after = record.get("space_after", [True] * len(words))
        if not len(words) == len(tags) == len(space_after):
            raise DataFileError(
                path,
                f"record {number} (id {record['id']})",
                f"{len(words)} tokens, {len(tags)} tags and {len(space_after)} values of space_after: expected as "
                f"many of each. The file is damaged; download it again.",
            )
        sentences.append({"id": record["id"], "words": words, "ner": tags, "space_after": space_after})
    return sentences


def write_ronec(path: str | Path, sentences: Sequence[dict[str, Any]], label_names: Sequence[str]) -> None:
    """Write predictions in the layout of RONEC version 2, for its scorers.

    Args:
        path: File to write.
        sentences: With `words` and `ner` (the predicted tags); `id` and `space_after` are kept where they are there.
        label_names: Tags in the order of their ids.

    Raises:
        ValueError: A sentence has not one tag for each word.
    """
    ids = {tag: number for number, tag in enumerate(label_names)}
    records = []
    for number, sentence in enumerate(sentences):
        words, tags = list(sentence["words"]), list(sentence["ner"])
        if len(words) != len(tags):
            raise ValueError(
                f"write_ronec expects one tag for each word; sentence {number} has {len(words)} words and "
                f"{len(tags)} tags. Predict every word, also of long sentences."
            )
        records.append(
            {
                "id": sentence.get("id", number),
                "ner_tags": tags,
                "ner_ids": [ids[tag] for tag in tags],
                "tokens": words,
                "space_after": list(sentence.get("space_after", [True] * len(words))),
            }
        )
    Path(path).write_text(json.dumps(records, ensure_ascii=False), encoding="utf-8")


def read_laroseda(path: Path) -> list[dict[str, Any]]:
    """Read LaRoSeDa: reviews with title (`text`), content (`text_pair`), stars (`sar`) and their sign (`sapn`)."""
    data = read_json(path)
    if not isinstance(data, dict) or "reviews" not in data:
        raise DataFileError(path, 1, "expected an object with the field 'reviews'. Point to laroseda_train.json.")
    reviews = []
    for number, record in enumerate(_records(path, data["reviews"], ("title", "content", "starRating")), 1):
        stars = str(record["starRating"])
        if stars not in SIGN:
            raise DataFileError(path, f"record {number}", f"expected a rating of 1, 2, 4 or 5 stars, found '{stars}'.")
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
