"""What keeps files from being made in a folder."""

import errno
import os

import pytest

from hf_multiteacher.training.preflight import writable
from hf_multiteacher.training.preflight.writable import obstacle_to_writing


def test_where_files_can_be_made_nothing_is_said_and_nothing_is_left(tmp_path):
    assert obstacle_to_writing(tmp_path / "not" / "there") is None
    assert [*tmp_path.iterdir()] == []


def test_a_file_in_the_way_is_named(tmp_path):
    (tmp_path / "file").touch()
    assert obstacle_to_writing(tmp_path / "file" / "in") == f"'{tmp_path / 'file'}' is a file"


@pytest.mark.parametrize(("number", "reason"), [(errno.EACCES, " (Permission denied)"), (errno.ENOENT, "")])
def test_the_reason_is_the_systems_unless_that_is_about_a_file_that_nobody_named(
    tmp_path, monkeypatch, number, reason
):
    def refuse(**given):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(writable, "TemporaryFile", refuse)
    assert obstacle_to_writing(tmp_path / "in") == f"'{tmp_path}' takes no files{reason}"
