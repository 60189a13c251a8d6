"""What is found in a cache from its folder alone, and what is found to be damaged."""

import pytest

from helpers.caches import filled, teacher_cache
from hf_multiteacher.cache.contents import teacher_folders


def damage(folder):
    return [path for teacher in teacher_folders(folder) for path, _ in teacher.damage()]


def test_every_kind_is_found_with_its_shards(tmp_path):
    for kind, seed in (("states", 0), ("states/6", 1), ("states", 2), ("states", 3), ("logits", 4)):
        filled(tmp_path, seed + 1, seed, kind)
    (teacher,) = teacher_folders(tmp_path)
    kinds = {kind: sum(header.entries for header in headers) for kind, headers, _ in teacher.kinds()}
    assert kinds == {"logits": 5, "states": 8, "states/6": 2}
    assert [kind for kind, _, _ in teacher.kinds()] == ["logits", "states", "states/6"]


def test_every_damaged_file_is_found_and_no_other(tmp_path):
    cache = teacher_cache(tmp_path)
    head = cache.save_file("head.safetensors", lambda path: path.write_bytes(b"weights"))
    paths = [filled(tmp_path, seed=seed) for seed in range(4)]
    (paths[0].parent / f".tmp-{'0' * 32}").write_bytes(b"half")
    assert damage(tmp_path) == []

    last = bytearray(paths[1].read_bytes())
    last[-1] ^= 1
    paths[1].write_bytes(last)
    paths[2].write_bytes(paths[2].read_bytes()[:-1])
    foreign = filled(tmp_path, kind="states")
    moved = foreign.rename(paths[0].parent / foreign.name)
    head.write_bytes(b"weightz")
    (cache.folder / "manifest.json").write_text("{}")
    assert set(damage(tmp_path)) == {paths[1], paths[2], moved, head, cache.folder / "manifest.json"}


def test_a_shard_of_another_teacher_is_damage_where_the_manifest_is_damaged_too(tmp_path):
    path, other = filled(tmp_path), teacher_cache(tmp_path, revision="another")
    (other.folder / "logits").mkdir()
    path.rename(other.folder / "logits" / path.name)
    (other.folder / "manifest.json").unlink()
    assert damage(tmp_path) == [other.folder / "logits" / path.name]


def test_a_file_that_is_removed_meanwhile_is_no_damage(tmp_path, monkeypatch):
    path = filled(tmp_path)
    (teacher,) = teacher_folders(tmp_path)
    found = teacher.shards()
    monkeypatch.setattr(type(teacher), "shards", lambda self: found)
    path.unlink()
    assert [*teacher.damage()] == []


def test_links_are_not_followed_and_what_is_not_ours_is_not_seen(tmp_path):
    outside = tmp_path / "outside"
    path = filled(outside)
    cache = teacher_cache(tmp_path / "cache")
    (cache.folder / "logits").symlink_to(path.parent)
    (cache.folder / "states").mkdir()
    (cache.folder / "states" / path.name).symlink_to(path)
    (cache.folder / "states" / "notes.txt").write_text("mine")
    (cache.folder / "model.safetensors").write_text("mine")
    (tmp_path / "cache" / "linked-000000000000").symlink_to(next(outside.iterdir()))
    (tmp_path / "cache" / "mine").mkdir()
    (teacher,) = teacher_folders(tmp_path / "cache")
    assert teacher.path == cache.folder and teacher.shards() == [] and teacher.kept() == []


def test_a_folder_that_is_no_cache_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no folder"):
        teacher_folders(tmp_path / "none")
    (tmp_path / "model-0123456789ab").mkdir()
    with pytest.raises(ValueError, match="is no cache of teachers' outputs"):
        teacher_folders(tmp_path)


def test_a_teacher_is_found_by_how_its_folder_begins_if_only_one_does(tmp_path):
    first, second = teacher_cache(tmp_path, "org/first"), teacher_cache(tmp_path, "org/second")
    for name in ("org-f", first.folder.name):
        assert [teacher.path for teacher in teacher_folders(tmp_path, name)] == [first.folder]
    there = f"there are {first.folder.name}, {second.folder.name}. Give one of these names"
    for name in ("first", ""):
        with pytest.raises(ValueError, match=f"0 teachers in '.*' have the name '{name}'; {there}"):
            teacher_folders(tmp_path, name)


def test_of_several_teachers_of_a_name_those_alone_are_listed(tmp_path):
    folders = [teacher_cache(tmp_path, name).folder.name for name in ("scorer", "scorer 2", "other")]
    with pytest.raises(ValueError) as raised:
        teacher_folders(tmp_path, "scorer")
    message = str(raised.value)
    assert message.endswith(f"'scorer': {', '.join(sorted(folders[:2]))}. Give more of the name.")
