"""Further files of a teacher: whole, and checked before they are used."""

import pytest

from helpers.caches import teacher_cache
from hf_multiteacher.cache import DamagedCacheError


def test_a_kept_file_is_found_under_its_name_in_every_process(tmp_path):
    path = teacher_cache(tmp_path).save_file("head.safetensors", lambda path: path.write_bytes(b"weights"))
    assert teacher_cache(tmp_path).file("head.safetensors") == path and path.read_bytes() == b"weights"
    assert (
        teacher_cache(tmp_path).file("head.json") is None and teacher_cache(tmp_path).file("hea.safetensors") is None
    )
    other = teacher_cache(tmp_path).save_file("head-2.safetensors", lambda path: path.write_bytes(b"others"))
    assert teacher_cache(tmp_path).file("head.safetensors") == path
    assert teacher_cache(tmp_path).file("head-2.safetensors") == other


def test_one_that_was_changed_or_cut_is_refused(tmp_path):
    cache = teacher_cache(tmp_path)
    path = cache.save_file("head.safetensors", lambda path: path.write_bytes(b"weights"))
    for content in (b"weightr", b"weight", b""):
        path.write_bytes(content)
        with pytest.raises(DamagedCacheError, match=f"{path.name} was changed"):
            cache.file("head.safetensors")


def test_a_writer_that_fails_leaves_nothing(tmp_path):
    cache = teacher_cache(tmp_path)
    before = [*cache.folder.iterdir()]

    def fail(path):
        path.write_bytes(b"half")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        cache.save_file("head.safetensors", fail)
    assert [*cache.folder.iterdir()] == before


@pytest.mark.parametrize("name", ["", "head", "../head.safetensors", "a/b.c", ".head", "*.safetensors"])
def test_a_name_is_a_plain_one(tmp_path, name):
    with pytest.raises(ValueError, match="the name of a file"):
        teacher_cache(tmp_path).save_file(name, lambda path: None)
    with pytest.raises(ValueError, match="the name of a file"):
        teacher_cache(tmp_path).file(name)
