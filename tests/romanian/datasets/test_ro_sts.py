"""RO-STS: every variant is read, every damage is named by file and line."""

import pytest

from helpers.files import broken
from hf_multiteacher.romanian.datasets.ro_sts import read_ro_sts
from hf_multiteacher.romanian.files import DataFileError


def test_sts_is_read_with_windows_line_ends(tmp_path):
    path = tmp_path / "t.tsv"
    path.write_bytes(b"1\ta\tb\r\n2\tc\td\r\n")
    assert [pair["text_pair"] for pair in read_ro_sts(path)] == ["b", "d"]


def test_sts_reads_unbalanced_quotes_as_characters(tmp_path):
    path = broken(tmp_path / "t.tsv", '2.5\t"Un om merge.\tUn om "fuge.\n0\tA\u2028B\tC"')
    assert read_ro_sts(path) == [
        {"text": '"Un om merge.', "text_pair": 'Un om "fuge.', "sts": 2.5},
        {"text": "A\u2028B", "text_pair": 'C"', "sts": 0.0},
    ]


@pytest.mark.parametrize(
    "line, message", [("3.0\tunu", "found 2"), ("3.0\tunu\tdoi\ttrei", "found 4"), ("", "found 1")]
)
def test_sts_line_with_other_column_count_is_named(tmp_path, line, message):
    path = broken(tmp_path / "t.tsv", f"1.0\ta\tb\n{line}\n1.0\ta\tb\n")
    with pytest.raises(DataFileError, match=rf"t\.tsv, line 2: expected 3 tab-separated columns.*{message}"):
        read_ro_sts(path)


@pytest.mark.parametrize("score", ["5.5", "-1", "nan", "bun", ""])
def test_sts_similarity_out_of_range_is_named(tmp_path, score):
    with pytest.raises(DataFileError, match="line 2: expected a similarity from 0 to 5"):
        read_ro_sts(broken(tmp_path / "t.tsv", f"1.0\ta\tb\n{score}\ta\tb\n"))
