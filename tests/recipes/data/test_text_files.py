"""Text files: read as they are written, in bounded memory; what is damaged is named with its place."""

import gzip
import lzma
import os
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hf_multiteacher.recipes.data import text_files as module
from hf_multiteacher.recipes.data.corpus import pack
from hf_multiteacher.recipes.data.text_files import expect_whole_ends, read_lines, read_words, text_files

RANDOM = random.Random(0).randbytes(9000).hex().encode()


def lines_at_once(path):
    """The lines of a file, as Python reads them."""
    with path.open("rt", encoding="utf-8") as stream:
        return [*(line.rstrip("\r\n") for line in stream), ""]


def packed_at_once(lines, words):
    """What `pack` is to give, written down word by word."""
    texts = [[]]
    for line in lines:
        for word in line.split():
            texts += [[]] * (len(texts[-1]) == words)
            texts[-1] = [*texts[-1], word]
        texts += [[]] * (not line.split())
    return [" ".join(text) for text in texts if text]


TEXT = st.lists(st.sampled_from(["a", "șt", "🙂z", " ", "\t", "\u2028", "\x0b", "\n", "\r", "\r\n"]), max_size=60)


@given(TEXT, st.integers(1, 4), st.sampled_from([7, 8, 64]))
def test_the_same_lines_and_texts_come_in_blocks_as_at_once(tmp_path_factory, parts, words, block):
    path = tmp_path_factory.getbasetemp() / "text.txt"
    path.write_bytes("".join(part if part.isspace() else f"{part} " for part in parts).encode())
    wanted = lines_at_once(path)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(module, "BLOCK", block)
        assert [*read_lines([path])] == wanted
        assert [*pack(read_words([path]), words)] == packed_at_once(wanted, words)


def test_a_word_without_end_comes_in_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "BLOCK", 8)
    (tmp_path / "a.txt").write_text("ab " + "x" * 100 + " c\nd")
    pieces = [*read_words([tmp_path / "a.txt"])]
    assert "".join(pieces) == "ab " + "x" * 100 + " cd" and max(map(len, pieces)) <= 24


def test_text_is_read_as_it_is_written_but_for_a_byte_order_mark(tmp_path):
    written = "şi ţara, șapte, Beşiktaş, s\u0326"
    for mark in ("", "\ufeff"):
        (tmp_path / "a.txt").write_text(mark + written, encoding="utf-8")
        assert next(read_lines([tmp_path / "a.txt"])) == written


def test_plain_and_compressed_files_of_a_folder_are_read_in_the_order_of_their_names(tmp_path):
    (tmp_path / "b.txt").write_text("doi\n", encoding="utf-8")
    (tmp_path / "a.txt.xz").write_bytes(lzma.compress(b"unu\n"))
    (tmp_path / "c.txt.gz").write_bytes(gzip.compress(b"trei"))
    (tmp_path / "notes.md").write_text("not a text file")
    assert [line for line in read_lines(text_files(tmp_path)) if line] == ["unu", "doi", "trei"]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.txt", b"bine\r\nbine\r" + "ș".encode("iso8859_16"), "after line 2: 'utf-8' codec can't decode"),
        ("a.txt", "bine\nș".encode()[:-1], "after line 1: .*unexpected end of data"),
        ("a.txt", b"bine\n\nx\n" + b"\0" * 9, "after line 3: a zero byte"),
        ("a.txt", b"bine\n" * 20_000 + b"\0\nbine", "after line 20000: a zero byte"),
        ("a.txt", "bine\n".encode("utf-16"), "after line 0: 'utf-8' codec"),
        ("a.xz", lzma.compress(RANDOM)[:-400], "after line 0: Compressed file ended before"),
        ("a.gz", gzip.compress(RANDOM, mtime=0)[:-400], "after line 0: Compressed file ended before"),
        ("a.gz", gzip.compress(b"a\nb\n", mtime=0) + b"garbage", "after line [02]: Not a gzipped file"),
        ("a.gz", gzip.compress(RANDOM, mtime=0)[:4000] + RANDOM, "after line 0: Error -3 while decompressing"),
        ("a.gz", b"no compressed data", "after line 0: Not a gzipped file"),
        ("a.xz", b"no compressed data", "after line 0: Input format not supported"),
    ],
)
def test_what_is_damaged_is_named_with_its_line(tmp_path, name, content, said):
    (tmp_path / name).write_bytes(content)
    for read in (read_lines, read_words):
        with pytest.raises(ValueError, match=f"^{name}, {said}.*copy the file anew"):
            [*read([tmp_path / name])]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.txt", b"bine\n" + b"\0" * 9000, "a zero byte"),
        ("a.txt", "bine ș".encode()[:-1], "'utf-8' codec"),
        ("a.xz", lzma.compress(RANDOM)[:-400], "the end of the compressed data is not there"),
        ("a.xz", lzma.compress(b"bine") + b"garbage", "the end of the compressed data is not there"),
    ],
)
def test_an_end_that_tells_of_damage_is_found_without_reading_the_rest(tmp_path, name, content, said):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=f"^{name}, at its end: {said}"):
        expect_whole_ends([tmp_path / name])


def test_whole_files_are_taken_for_whole_by_their_ends(tmp_path):
    contents = {"b.txt": ("ș" * 5000).encode(), "c.xz": lzma.compress(RANDOM) + bytes(8), "e.txt": b""}
    contents |= {"d.gz": gzip.compress(RANDOM), "f.xz": lzma.compress(b"old", format=lzma.FORMAT_ALONE), "g.xz": b""}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    expect_whole_ends(text_files(tmp_path))


def test_a_line_that_nobody_can_want_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "LONGEST_LINE", 100)
    (tmp_path / "a.txt").write_text("ok\n" + "a " * 51)
    with pytest.raises(ValueError, match="^a.txt, after line 1: a line has more than 100 characters. Break it"):
        [*read_lines([tmp_path / "a.txt"])]


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: os.symlink("nowhere", path)])
def test_what_only_has_the_name_of_a_text_file_is_named(tmp_path, make):
    (tmp_path / "a.txt").write_text("text")
    make(tmp_path / "b.txt")
    with pytest.raises(ValueError, match="b.txt' has the name of a text file, but is none"):
        text_files(tmp_path)
