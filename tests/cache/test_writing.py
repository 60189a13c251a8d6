"""A file is whole or not there."""

import os
import resource

import pytest
from safetensors import SafetensorError

from hf_multiteacher.cache.writing import write_whole


def writing(content, name="name"):
    def write(path):
        path.write_bytes(content)
        return name

    return write


def test_the_file_has_its_name_and_nothing_else_is_left(tmp_path):
    path = write_whole(tmp_path / "a" / "b", writing(b"content"))
    assert path.read_bytes() == b"content" and [*path.parent.iterdir()] == [path]


def test_file_and_folder_are_on_the_disk_around_the_renaming(tmp_path, monkeypatch):
    done = []
    monkeypatch.setattr("os.fsync", lambda descriptor: done.append(os.readlink(f"/proc/self/fd/{descriptor}")))
    rename = os.replace
    monkeypatch.setattr("os.replace", lambda *paths: (done.append("renamed"), rename(*paths)))
    write_whole(tmp_path, writing(b"content"))
    assert done[0].startswith(f"{tmp_path}/.tmp-") and done[1:] == ["renamed", str(tmp_path)]


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_whatever_ends_the_writing_leaves_nothing(tmp_path, error):
    def write(path):
        path.write_bytes(b"half")
        raise error

    with pytest.raises(error):
        write_whole(tmp_path, write)
    assert [*tmp_path.iterdir()] == []


def test_a_disk_that_takes_no_more_is_named_with_the_bytes_that_it_took(tmp_path):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(OSError, match=rf"to {tmp_path}: File too large after 1,000 bytes; [\d,]+ bytes are free"):
            write_whole(tmp_path, writing(b"x" * 2000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [*tmp_path.iterdir()] == []


def test_a_folder_that_cannot_be_one_is_named(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OSError, match=rf"cannot write to {tmp_path}/file: .*; it is no folder"):
        write_whole(tmp_path / "file", writing(b"content"))


def test_what_safetensors_cannot_write_is_told_in_the_same_way(tmp_path):
    def write(path):
        path.write_bytes(b"half")
        raise SafetensorError("Error while serializing: No space left on device")

    with pytest.raises(OSError, match="cannot write to .*No space left on device after 4 bytes"):
        write_whole(tmp_path, write)
    assert not [*tmp_path.iterdir()]
