"""`hf-multiteacher cache`: what it says, what it removes, and what it refuses."""

import io

import numpy as np
import pytest

from helpers.caches import filled, keys, store, teacher_cache
from hf_multiteacher.commands.main import main


class Terminal(io.StringIO):
    """Somebody who can be asked."""

    def isatty(self):
        return True


def damage(path):
    path.write_bytes(path.read_bytes()[:-1])
    return path


def test_info_says_what_a_teacher_is_and_what_is_stored_of_it_in_80_columns(tmp_path, capsys):
    name = "some-organisation/a-teacher-with-a-name-that-is-as-long-as-names-may-be-there"
    cache = teacher_cache(tmp_path, name, teacher=name, revision="1a2b3c4" * 6, kinds=["logits"])
    cache.save_file("head.safetensors", lambda path: path.write_bytes(b"weights"))
    for kind, width, dtype in (("head_input", 1024, "float16"), ("logits", 3, "float32")):
        written = cache.store(kind, width, dtype)
        written.add(keys(6), [np.ones((row, width)) for row in range(6)])
        written.flush()

    assert main(["cache", "info", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == cache.folder.name and max(map(len, lines)) <= 80
    assert "  precision: float32" in lines and f"  revision: {'1a2b3c4' * 6}" in lines
    table = [line.split() for line in lines if line.startswith("  ")]
    assert ["kind", "entries", "rows", "width", "dtype", "shards", "size"] in table
    assert ["head_input", "6", "15", "1024", "float16", "1", "31.4", "kB"] in table
    assert ["logits", "6", "15", "3", "float32", "1"] == next(row for row in table if row[0] == "logits")[:-2]
    assert any(line.startswith("  and head-") for line in lines) and lines[-1].startswith("1 teacher, 3")


def test_info_says_what_is_damaged_or_left_over_and_shows_the_rest(tmp_path, capsys):
    filled(tmp_path)
    path = damage(filled(tmp_path, seed=1))
    damage(filled(tmp_path, kind="states"))
    (path.parent / f".tmp-{'0' * 32}").write_bytes(b"half")
    (teacher_cache(tmp_path).folder / "manifest.json").unlink()
    assert main(["cache", "info", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "manifest.json is not there" in printed and "2 damaged shards: `cache verify` names them" in printed
    assert "1 temporary file, 4 bytes: being written, or left" in printed
    assert [line.split()[1] for line in printed.splitlines() if line.startswith(("  logits", "  states"))] == [
        "6",
        "0",
    ]


def test_verify_names_what_is_damaged_and_ends_with_code_1(tmp_path, capsys):
    filled(tmp_path)
    assert main(["cache", "verify", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "1 shard read: 0 damaged files\n"

    path = damage(filled(tmp_path, seed=1))
    teacher_cache(tmp_path, "other")
    assert main(["cache", "verify", str(tmp_path)]) == 1
    first, last = capsys.readouterr().out.splitlines()
    assert first.startswith(f"{path} has ") and last == "2 shards read: 1 damaged file"
    assert main(["cache", "verify", str(tmp_path), "--teacher", "other"]) == 0


def test_prune_asks_before_it_removes(tmp_path, capsys, monkeypatch):
    whole, path = filled(tmp_path), damage(filled(tmp_path, seed=1))
    size = path.stat().st_size
    monkeypatch.setattr("sys.stdin", Terminal("n\n"))
    assert main(["cache", "prune", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"{path}\nRemove 1 file, {size} bytes? [y/N] nothing removed\n" and path.exists()

    monkeypatch.setattr("sys.stdin", Terminal("y\n"))
    assert main(["cache", "prune", str(tmp_path)]) == 0
    assert capsys.readouterr().out.endswith(f"1 file, {size} bytes removed\n")
    assert not path.exists() and whole.exists() and store(tmp_path).entries == 6


def test_prune_removes_nothing_where_nobody_can_be_asked(tmp_path, capsys, monkeypatch):
    path = damage(filled(tmp_path))
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    assert main(["cache", "prune", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("hf-multiteacher: Nothing removed: 1 file, ") and error.endswith("Add --yes.\n")
    assert path.exists()
    assert main(["cache", "prune", str(tmp_path), "--yes"]) == 0
    assert not path.exists() and main(["cache", "prune", str(tmp_path)]) == 0
    assert capsys.readouterr().out.endswith("0 files, 0 bytes removed\n")


def test_prune_removes_a_teacher_by_its_name_and_no_other(tmp_path):
    filled(tmp_path)
    other = teacher_cache(tmp_path, "other")
    assert main(["cache", "prune", str(tmp_path), "--teacher", "org", "--yes"]) == 0
    assert [*tmp_path.iterdir()] == [other.folder]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["info", "none"], "There is no folder"),
        (["verify", "."], "is no cache of teachers' outputs"),
        (["info", "cache", "--teacher", "none"], "0 teachers in"),
        (["verify", "cache", "--yes"], "--yes belongs to prune"),
    ],
)
def test_what_is_no_cache_or_no_teacher_is_one_line_and_code_2(tmp_path, monkeypatch, capsys, words, message):
    monkeypatch.chdir(tmp_path)
    filled("cache")
    assert main(["cache", *words]) == 2
    error = capsys.readouterr().err.splitlines()
    assert len(error) == 1 and error[0].startswith("hf-multiteacher: ") and message in error[0]
