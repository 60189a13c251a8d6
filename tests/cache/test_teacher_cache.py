"""The folder of a teacher: known by its identity, and never taken for another's."""

import json

import pytest

from helpers.caches import IDENTITY, filled, keys, store, teacher_cache
from hf_multiteacher.cache import DamagedCacheError, TeacherCache
from hf_multiteacher.cache.teacher_cache import SIGN


def test_the_folder_has_a_readable_name_and_the_manifest_says_in_clear_what_was_computed(tmp_path):
    cache = teacher_cache(tmp_path)
    assert cache.folder == tmp_path / f"org-teacher-{cache.fingerprint[:12]}"
    assert json.loads((cache.folder / "manifest.json").read_text()) == {
        "fingerprint": cache.fingerprint,
        "identity": IDENTITY,
    }


@pytest.mark.parametrize(
    ("name", "folder"), [("../up", "up"), ("", "teacher"), ("..", "teacher"), ("ț/x y", "x-y"), ("a" * 99, "a" * 60)]
)
def test_any_name_makes_a_folder_in_the_cache(tmp_path, name, folder):
    cache = teacher_cache(tmp_path, name)
    assert cache.folder.parent == tmp_path and cache.folder.name == f"{folder}-{cache.fingerprint[:12]}"


def test_the_same_identity_in_any_order_is_the_same_folder_and_another_is_another(tmp_path):
    cache = teacher_cache(tmp_path)
    assert TeacherCache(tmp_path, "org/teacher", dict(reversed(IDENTITY.items()))).folder == cache.folder
    assert teacher_cache(tmp_path, revision="another").folder != cache.folder


def test_an_identity_is_read_as_it_was_written_whatever_its_keys(tmp_path):
    identity = {"layers": {2: "a", 10: ("b", 1.5, None)}, "ț": True}
    first = TeacherCache(tmp_path, "t", identity)
    assert TeacherCache(tmp_path, "t", identity).fingerprint == first.fingerprint


@pytest.mark.parametrize(("value", "error"), [({1, 2}, TypeError), (float("nan"), ValueError)])
def test_an_identity_that_is_no_json_is_refused(tmp_path, value, error):
    with pytest.raises(error, match="identity that can be written as JSON"):
        TeacherCache(tmp_path, "t", {"value": value})
    assert [*tmp_path.iterdir()] == []


def test_no_bit_of_the_manifest_can_be_flipped_so_that_it_says_something_else(tmp_path):
    path = teacher_cache(tmp_path).folder / "manifest.json"
    content = path.read_bytes()
    for bit in range(8 * len(content)):
        flipped = bytearray(content)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        try:
            teacher_cache(tmp_path)
        except DamagedCacheError as error:
            assert str(path) in str(error)  # noqa: PT017
        else:
            assert json.loads(path.read_bytes()) == json.loads(content)


def test_the_manifest_of_another_teacher_is_refused(tmp_path):
    cache, other = teacher_cache(tmp_path), teacher_cache(tmp_path, revision="another")
    (cache.folder / "manifest.json").write_bytes((other.folder / "manifest.json").read_bytes())
    with pytest.raises(DamagedCacheError, match=r"manifest.json was changed, or is of another teacher's folder"):
        teacher_cache(tmp_path)


def test_a_manifest_of_a_fingerprint_that_begins_alike_is_refused(tmp_path, monkeypatch):
    teacher_cache(tmp_path)
    wrong = teacher_cache(tmp_path).fingerprint[:12] + 52 * "0"
    monkeypatch.setattr("hf_multiteacher.cache.manifest.read_manifest", lambda folder: (wrong, {}))
    with pytest.raises(DamagedCacheError, match=f"is of fingerprint {wrong}"):
        teacher_cache(tmp_path)


def test_a_manifest_that_is_gone_is_written_again_and_the_entries_stay(tmp_path):
    filled(tmp_path)
    (teacher_cache(tmp_path).folder / "manifest.json").unlink()
    assert store(tmp_path).entries == 6 and (teacher_cache(tmp_path).folder / "manifest.json").exists()


def test_opening_what_is_there_writes_nothing(tmp_path, monkeypatch):
    filled(tmp_path)
    monkeypatch.setattr("pathlib.Path.touch", lambda *args: pytest.fail("written"))
    monkeypatch.setattr("pathlib.Path.mkdir", lambda *args: pytest.fail("written"))
    assert (store(tmp_path).find(keys(6)) >= 0).all()
    assert (teacher_cache(tmp_path).folder / SIGN).exists()


@pytest.mark.parametrize("kind", ["", "/", "a/", "../a", "a/../b", ".a", "a b", "C:\\a", "a.b"])
def test_a_kind_is_a_name_or_several(tmp_path, kind):
    with pytest.raises(ValueError, match="a kind such as 'logits' or 'states/6'"):
        teacher_cache(tmp_path).store(kind, 3, "float32")


def test_kinds_below_one_another_do_not_mix(tmp_path):
    for number, kind in enumerate(("states", "states/6", "states/6/a")):
        filled(tmp_path, number + 1, kind=kind)
    assert [store(tmp_path, kind).entries for kind in ("states", "states/6", "states/6/a")] == [1, 2, 3]
