"""Only what is a cache's own is removed, and of that only what was to go."""

import os

from helpers.caches import filled, keys, store, teacher_cache, values, wrong
from hf_multiteacher.cache.contents import teacher_folders
from hf_multiteacher.cache.pruning import SECONDS, everything, remove, useless


def test_damaged_files_and_old_leftovers_can_go_and_what_is_being_written_stays(tmp_path):
    whole, cut = filled(tmp_path), filled(tmp_path, seed=1)
    cut.write_bytes(cut.read_bytes()[:-1])
    old, new = (whole.parent / f".tmp-{letter * 32}" for letter in "ab")
    for path, age in ((old, SECONDS + 60), (new, 0)):
        path.write_bytes(b"half")
        os.utime(path, (path.stat().st_mtime - age,) * 2)

    (teacher,) = teacher_folders(tmp_path)
    assert useless(teacher) == [old, cut]
    remove(teacher, useless(teacher))
    assert {*whole.parent.iterdir()} == {whole, new} and not wrong(store(tmp_path), keys(6))


def test_a_teacher_goes_with_all_that_is_the_caches_and_its_empty_folders(tmp_path):
    filled(tmp_path)
    filled(tmp_path, kind="states/6")
    teacher_cache(tmp_path).save_file("head.safetensors", lambda path: path.write_bytes(b"weights"))
    other = teacher_cache(tmp_path, "other", revision="another")
    teacher = teacher_folders(tmp_path, "org")[0]
    (teacher.path / "logits" / f".tmp-{'0' * 32}").write_bytes(b"half")
    remove(teacher, everything(teacher))
    assert [*tmp_path.iterdir()] == [other.folder]


def test_nothing_of_somebody_else_goes_with_it(tmp_path):
    outside = filled(tmp_path / "outside")
    path = filled(tmp_path / "cache")
    (teacher,) = teacher_folders(tmp_path / "cache")
    mine = [path.parent / "notes.txt", teacher.path / "model.safetensors", teacher.path / "logits" / "a.safetensors"]
    for each in mine:
        each.write_text("mine")
    links = [teacher.path / "states", path.parent / f"{'1' * 32}.safetensors"]
    links[0].symlink_to(outside.parent)
    links[1].symlink_to(outside)

    remove(teacher, everything(teacher))
    assert {each for each in teacher.path.rglob("*") if not each.is_dir() or each.is_symlink()} == {*mine, *links}
    assert outside.exists()


def test_what_was_removed_already_is_no_error(tmp_path):
    filled(tmp_path)
    (teacher,) = teacher_folders(tmp_path)
    paths = everything(teacher)
    remove(teacher, paths)
    remove(teacher, paths)
    assert [*tmp_path.iterdir()] == []


def test_a_store_that_is_open_goes_on_after_its_teacher_was_removed(tmp_path):
    written = store(tmp_path)
    filled(tmp_path, seed=1)
    (teacher,) = teacher_folders(tmp_path)
    remove(teacher, everything(teacher))
    written.add(keys(6), values(keys(6)))
    written.flush()
    assert store(tmp_path).entries == 6
