"""MOROCO: texts and dialects are read together, every damage is named by file and line."""

import pytest

from helpers.files import broken
from hf_multiteacher.romanian.datasets.moroco import read_moroco
from hf_multiteacher.romanian.files import DataFileError


def moroco(folder, samples, labels):
    broken(folder / "samples.txt", samples)
    broken(folder / "dialect_labels.txt", labels)
    return folder


def test_moroco_is_read_with_tabs_and_line_separators_inside_texts(tmp_path):
    folder = moroco(tmp_path, "4\tUn text\tcu tab\n9\tAlt\u0085 text\u2028\n", "4\t1\n9\t2")
    assert read_moroco(folder) == [
        {"text": "Un text\tcu tab", "di": "Moldavian"},
        {"text": "Alt\u0085 text\u2028", "di": "Romanian"},
    ]


@pytest.mark.parametrize(
    "samples, labels, message",
    [
        ("1\ta\n2\tb\n", "1\t1\n", r"dialect_labels\.txt, line 2: expected the label of sample '2'"),
        ("1\ta\n", "1\t1\n2\t1\n", r"samples\.txt, line 1: 1 samples for 2 labels: half downloaded"),
        ("1\ta\n2\tb\n", "1\t1\n3\t1\n", r"dialect_labels\.txt, line 2"),
        ("1\ta\n2 b\n", "1\t1\n2\t1\n", r"samples\.txt, line 2: expected an id, a tab"),
        ("1\ta\n2\tb\n", "1\t1\n2\t3\n", r"dialect_labels\.txt, line 2: expected 1 \(Moldavian\) or 2, found '3'"),
        ("1\ta\n2\tb\n", "1\t1\n2 1\n", r"dialect_labels\.txt, line 2: expected 2 tab-separated columns"),
    ],
)
def test_moroco_damage_is_named(tmp_path, samples, labels, message):
    with pytest.raises(DataFileError, match=message):
        read_moroco(moroco(tmp_path, samples, labels))
