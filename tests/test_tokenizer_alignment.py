"""The example that measures how tokenizers line up."""

import gzip
import lzma
import runpy
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parent.parent / "examples" / "tokenizer_alignment.py"


@pytest.fixture
def run_example(monkeypatch, capsys):
    """Run the example with arguments; the rows of its table."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", [str(EXAMPLE), *map(str, arguments)])
        runpy.run_path(str(EXAMPLE), run_name="__main__")
        rows = [line.strip("| ").split(" | ") for line in capsys.readouterr().out.splitlines()]
        return rows[0], rows[2:]

    return run


def test_the_table_has_a_row_per_teacher_and_agreement_everywhere(run_example, sentences, tmp_path):
    half = len(sentences) // 2
    with lzma.open(tmp_path / "first.txt.xz", "wt", encoding="utf-8") as stream:
        stream.write("\n\n".join(sentences[:half]))
    with gzip.open(tmp_path / "second.txt.gz", "wt", encoding="utf-8") as stream:
        stream.write("\n".join(sentences[half:]))
    (tmp_path / "ignored.json").write_text("{}")
    header, rows = run_example(tmp_path, "--quick")
    assert [row[0] for row in rows] == [
        "uncased WordPiece 1,200",
        "byte-level BPE 1,600",
        "Unigram 1,200",
        "uncased BPE 1,200",
    ]
    assert all(len(row) == len(header) for row in rows)
    assert all(row[-1] == "100.0%" for row in rows)
