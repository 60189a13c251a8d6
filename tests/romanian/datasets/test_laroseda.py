"""LaRoSeDa: reviews are read, every damage is named by file and record."""

import json

import pytest

from helpers.files import broken
from hf_multiteacher.romanian.datasets.laroseda import read_laroseda
from hf_multiteacher.romanian.files import DataFileError


def review(**changes):
    return {"index": "1", "title": "Bun", "content": "merge bine", "starRating": "5"} | changes


def test_laroseda_is_read(tmp_path):
    path = broken(tmp_path / "l.json", json.dumps({"reviews": [review(), review(starRating=2)]}))
    first, second = read_laroseda(path)
    assert first == {"text": "Bun", "text_pair": "merge bine", "sar": "5", "sapn": "positive"}
    assert (second["sar"], second["sapn"]) == ("2", "negative")


def test_laroseda_rating_of_three_is_named(tmp_path):
    path = broken(tmp_path / "l.json", json.dumps({"reviews": [review(), review(starRating="3")]}))
    with pytest.raises(DataFileError, match="record 2: expected a rating of 1, 2, 4 or 5 stars, found '3'"):
        read_laroseda(path)


@pytest.mark.parametrize("field", ["title", "content"])
@pytest.mark.parametrize("value", [None, 3, ["Bun"]])
def test_laroseda_record_of_another_type_is_named(tmp_path, field, value):
    path = broken(tmp_path / "l.json", json.dumps({"reviews": [review(), review(**{field: value})]}))
    with pytest.raises(DataFileError, match=f"record 2: expected a text in the field '{field}', found"):
        read_laroseda(path)


def test_laroseda_without_reviews_is_refused(tmp_path):
    with pytest.raises(DataFileError, match="'reviews'"):
        read_laroseda(broken(tmp_path / "l.json", "[]"))
