"""A file is whole or not there."""

import os

import numpy as np
import pytest
from safetensors import SafetensorError
from safetensors.numpy import save_file

from helpers.small_disk import small_disk
from hf_multiteacher.whole_file import saving_to, write_named, write_text, write_whole


def writing(content, name="name"):
    def write(path):
        path.write_bytes(content)
        return name

    return write


def test_the_file_has_its_name_and_nothing_else_is_left(tmp_path):
    path = write_named(tmp_path / "a" / "b", writing(b"content"))
    assert path.read_bytes() == b"content" and [*path.parent.iterdir()] == [path]


def test_file_and_folder_are_on_the_disk_around_the_renaming(tmp_path, monkeypatch):
    done = []
    monkeypatch.setattr("os.fsync", lambda descriptor: done.append(os.readlink(f"/proc/self/fd/{descriptor}")))
    rename = os.replace
    monkeypatch.setattr("os.replace", lambda *paths: (done.append("renamed"), rename(*paths)))
    write_named(tmp_path, writing(b"content"))
    assert done[0].startswith(f"{tmp_path}/.tmp-") and done[1:] == ["renamed", str(tmp_path)]


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_whatever_ends_the_writing_leaves_nothing(tmp_path, error):
    def write(path):
        path.write_bytes(b"half")
        raise error

    with pytest.raises(error):
        write_named(tmp_path, write)
    assert [*tmp_path.iterdir()] == []


def test_a_disk_that_takes_no_more_is_named_with_the_bytes_that_it_took(tmp_path):
    said = rf"to {tmp_path}: File too large after 1,000 bytes; [\d,]+ bytes are free"
    with small_disk(1000), pytest.raises(OSError, match=said):
        write_named(tmp_path, writing(b"x" * 2000))
    assert [*tmp_path.iterdir()] == []


def test_a_folder_that_cannot_be_one_is_named(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OSError, match=rf"Cannot write to {tmp_path}/file: .*; it is no folder"):
        write_named(tmp_path / "file", writing(b"content"))


def test_what_safetensors_cannot_write_is_told_in_the_same_way(tmp_path):
    def write(path):
        path.write_bytes(b"half")
        raise SafetensorError("Error while serializing: No space left on device")

    with pytest.raises(OSError, match="Cannot write to .*No space left on device after 4 bytes"):
        write_named(tmp_path, write)
    assert not [*tmp_path.iterdir()]


def test_an_older_file_is_as_it_was_where_the_new_one_cannot_be_written(tmp_path):
    (tmp_path / "name").write_text("old")
    with small_disk(1000), pytest.raises(OSError, match="Cannot write to"):
        write_text(tmp_path / "name", "x" * 2000)
    assert (tmp_path / "name").read_text() == "old"
    write_text(tmp_path / "name", "șx")
    assert (tmp_path / "name").read_bytes() == "șx".encode() and len([*tmp_path.iterdir()]) == 1


def test_a_device_is_written_to_and_stays(tmp_path):
    (tmp_path / "nowhere").symlink_to("/dev/null")
    write_text(tmp_path / "nowhere", "text")
    assert (tmp_path / "nowhere").is_symlink() and (tmp_path / "nowhere").is_char_device()


def test_what_is_no_fault_of_the_disk_is_told_as_it_is(tmp_path):
    def write(part):
        part.write_bytes(b"half")
        raise OSError("The transfer was cut.")

    with pytest.raises(OSError, match="^The transfer was cut.$"):
        write_whole(tmp_path / "name", write)
    assert not [*tmp_path.iterdir()]


def test_what_a_library_could_not_save_is_told_with_the_folder(tmp_path):
    said = rf"Cannot write to {tmp_path}: .*\(os error 27\); [\d,]+ bytes are free there. What is half-written"
    with small_disk(1000), pytest.raises(OSError, match=said), saving_to(tmp_path):
        save_file({"x": np.zeros(2000)}, tmp_path / "x.safetensors")

    with pytest.raises(RuntimeError, match="^a fault$"), saving_to(tmp_path):
        raise RuntimeError("a fault")
