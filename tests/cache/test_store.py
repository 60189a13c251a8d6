"""A store gives back what was put into it, to every process, and nothing else."""

import copy
import multiprocessing
import os
import pickle

import numpy as np
import pytest

from helpers.caches import filled, keys, store, teacher_cache, values, wrong
from hf_multiteacher.cache import DamagedCacheError
from hf_multiteacher.cache import shard as shards
from hf_multiteacher.cache.buffer import ENTRY_BYTES


def test_entries_are_read_in_the_order_asked_for_and_padded_with_0(tmp_path):
    filled(tmp_path)
    opened = store(tmp_path)
    asked = keys(6)[[4, 0, 2, 2]]
    padded, rows = opened.read(opened.find(asked))
    assert padded.dtype == np.float32 and padded.shape == (4, rows.max(), 3)
    assert [entry[:count].tolist() for entry, count in zip(padded, rows, strict=True)] == [
        each.tolist() for each in values(asked)
    ]
    assert not any(entry[count:].any() for entry, count in zip(padded, rows, strict=True))


def test_a_batch_can_be_given_more_rows_than_its_longest_entry_has_and_not_fewer(tmp_path):
    filled(tmp_path)
    opened = store(tmp_path)
    padded, rows = opened.read(opened.find(keys(6)), rows=9)
    assert padded.shape == (6, 9, 3) and not padded[:, rows.max() :].any()
    with pytest.raises(ValueError, match=f"at most {rows.max() - 1} rows, but one has {rows.max()}"):
        opened.read(opened.find(keys(6)), rows=rows.max() - 1)


def test_what_is_not_there_has_no_place(tmp_path):
    filled(tmp_path)
    opened = store(tmp_path)
    swapped = keys(6)[:, ::-1].copy()
    assert opened.find(np.concatenate([swapped, keys(6)])).tolist() == [-1] * 6 + opened.find(keys(6)).tolist()
    for place in (-1, 2**40):
        with pytest.raises(ValueError, match=f"none of them -1, but got {place}"):
            opened.read(np.array([place]))
    assert opened.read(opened.find(keys(0)))[0].shape == (0, 0, 3)


def test_what_is_buffered_is_found_and_read_and_keeps_its_place_when_it_is_written(tmp_path):
    written = store(tmp_path)
    written.add(keys(6), values(keys(6)))
    places = written.find(keys(6))
    assert (places >= 0).all() and not wrong(written, keys(6)) and written.entries == 6
    assert not written.folder.exists()

    filled(tmp_path, seed=1)
    written.refresh()
    written.flush()
    assert written.find(keys(6)).tolist() == places.tolist() and written.entries == 12
    assert not wrong(written, np.concatenate([keys(6), keys(6, seed=1)]))
    assert not wrong(store(tmp_path), keys(6))


def test_the_buffer_keeps_what_it_was_given_though_the_caller_goes_on_writing_there(tmp_path):
    written, given = store(tmp_path), np.ones((2, 3), np.float32)
    written.add(keys(1), [given])
    given[:] = 5
    assert written.read(written.find(keys(1)))[0].tolist() == [[[1, 1, 1], [1, 1, 1]]]


def test_a_shard_is_written_when_the_buffer_is_full(tmp_path):
    written = store(tmp_path, shard_bytes=ENTRY_BYTES + 13)
    written.add(keys(1), [np.ones((1, 3), np.float32)])
    assert not written.folder.exists()
    written.add(keys(2), [np.ones((1, 3), np.float32)] * 2)
    (path,) = written.folder.iterdir()
    assert written.bytes == path.stat().st_size and store(tmp_path).entries == 2


def test_entries_without_rows_fill_a_buffer_too(tmp_path):
    written = store(tmp_path, shard_bytes=3 * ENTRY_BYTES)
    written.add(keys(3), [np.ones((0, 3), np.float32)] * 3)
    assert store(tmp_path).entries == 3


def test_an_entry_that_is_there_is_not_written_again(tmp_path):
    filled(tmp_path, 3)
    written = store(tmp_path)
    written.add(keys(3), values(keys(3)))
    written.flush()
    twice = np.concatenate([keys(2, seed=1)] * 2)
    written.add(twice, [*values(twice)[:2], *[np.ones((4, 3))] * 2])
    written.add(twice, values(twice))
    written.flush()
    written.flush()
    assert len([*written.folder.iterdir()]) == 2 and store(tmp_path).entries == 5
    assert not wrong(store(tmp_path), twice)


def test_several_writers_share_a_store_and_refresh_shows_what_the_others_finished(tmp_path):
    first, second = store(tmp_path), store(tmp_path)
    first.add(keys(4), values(keys(4)))
    second.add(keys(6), values(keys(6)))
    first.flush()
    second.flush()
    for each in (first, second):
        each.refresh()
    assert len([*first.folder.iterdir()]) == 2
    assert (first.find(keys(6)) >= 0).all() and not wrong(first, keys(6)) and not wrong(second, keys(6))


def test_refresh_opens_no_shard_a_second_time(tmp_path, monkeypatch):
    filled(tmp_path)
    opened = store(tmp_path)
    written = store(tmp_path)
    written.add(keys(2, seed=1), values(keys(2, seed=1)))
    written.flush()
    opened.refresh()
    monkeypatch.setattr(shards, "read_header", lambda path: pytest.fail("opened again"))
    for each in (opened, written):
        each.refresh()


def test_more_shards_can_be_read_than_are_open_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr("hf_multiteacher.cache.store.MOST_OPEN", 2)
    for seed in range(5):
        filled(tmp_path, seed=seed)
    opened = store(tmp_path)
    before = len(os.listdir("/proc/self/fd"))
    assert not wrong(opened, np.concatenate([keys(6, seed) for seed in range(5)]))
    assert len(os.listdir("/proc/self/fd")) <= before + 2


def test_numbers_are_rounded_to_half_precision_and_one_that_does_not_fit_is_refused(tmp_path):
    written = teacher_cache(tmp_path).store("logits", 2, "float16")
    given = np.array([[1 / 3, np.inf], [65504, np.nan]], np.float32)
    written.add(keys(1), [given])
    read, _ = written.read(written.find(keys(1)))
    assert read.dtype == np.float16 and np.array_equal(read[0], given.astype(np.float16), equal_nan=True)
    with pytest.raises(ValueError, match="'logits' is too large for float16 .* Store it as float32"):
        written.add(keys(1, seed=1), [np.full((1, 2), 7e4, np.float32)])
    assert written.entries == 1


@pytest.mark.parametrize(
    ("asked", "given", "message"),
    [
        (keys(2), values(keys(1)), "one array per key, but got 1 for 2 keys"),
        (keys(1), [np.ones((2, 4))], r"\[rows, 3\], but got float64, \(2, 4\)"),
        (keys(1), [np.ones(3)], r"\[rows, 3\], but got float64, \(3,\)"),
        (keys(1), [np.ones((1, 3), int)], r"floats, \[rows, 3\], but got int64"),
        (keys(1).astype(np.int64), [np.ones((1, 3))], r"keys as uint64, \[entries, 2\], but got int64"),
        (keys(1)[0], [np.ones((1, 3))], r"but got uint64 of shape \(2,\)"),
    ],
)
def test_what_is_no_entry_is_refused_and_nothing_of_it_stays(tmp_path, asked, given, message):
    written = store(tmp_path)
    with pytest.raises(ValueError, match=message):
        written.add(asked, given)
    assert written.entries == 0


def test_rows_of_another_width_or_dtype_are_no_part_of_a_store(tmp_path):
    path = filled(tmp_path)
    for width, dtype in ((4, "float32"), (3, "float16")):
        with pytest.raises(ValueError, match=f"rows of {width} {dtype}, but .*{path.name} holds rows of 3 float32"):
            teacher_cache(tmp_path).store("logits", width, dtype)
    with pytest.raises(ValueError, match="'bfloat16'"):
        teacher_cache(tmp_path).store("logits", 3, "bfloat16")


def test_a_damaged_shard_that_another_process_left_is_refused_when_it_is_taken_up(tmp_path):
    opened = store(tmp_path)
    path = filled(tmp_path)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DamagedCacheError, match=path.name):
        opened.refresh()


def test_a_full_disk_is_named_and_nothing_half_is_left(tmp_path, monkeypatch):
    written = store(tmp_path)
    written.add(keys(6), values(keys(6)))

    def full(descriptor):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", full)
        with pytest.raises(OSError, match=rf"write to {written.folder}: No space left on device after [\d,]+ bytes"):
            written.flush()
    assert [*written.folder.iterdir()] == [] and not wrong(written, keys(6)) and written.entries == 6

    written.flush()
    assert store(tmp_path).entries == 6


def test_a_copy_by_pickle_reads_the_same_places_and_has_no_buffer(tmp_path):
    filled(tmp_path)
    filled(tmp_path, seed=1)
    written = store(tmp_path)
    size = len(pickle.dumps(written))
    written.add(keys(6, seed=2), values(keys(6, seed=2)))
    assert len(pickle.dumps(written)) == size
    worker = pickle.loads(pickle.dumps(written))
    on_disk = np.concatenate([keys(6), keys(6, seed=1)])
    assert worker.find(on_disk).tolist() == written.find(on_disk).tolist() and not wrong(worker, on_disk)
    assert (worker.find(keys(6, seed=2)) == -1).all()
    worker.flush()
    assert len([*written.folder.iterdir()]) == 2


def work(opened, answer):
    """What a worker of a data loader does, and some things that it does not."""
    opened.add(keys(2, seed=3), values(keys(2, seed=3)))
    opened.flush()
    asked = np.concatenate([keys(6), keys(2, seed=3)])
    answer.put((bool((opened.find(asked) >= 0).all()), wrong(opened, asked)))


@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_a_worker_reads_and_never_writes_what_its_parent_has_buffered(tmp_path, start):
    filled(tmp_path)
    written = store(tmp_path)
    written.add(keys(6, seed=2), values(keys(6, seed=2)))
    context = multiprocessing.get_context(start)
    answer = context.SimpleQueue()
    worker = context.Process(target=work, args=(written, answer))
    worker.start()
    assert answer.get() == (True, [])
    worker.join()

    fresh = store(tmp_path)
    assert fresh.entries == 8 and (fresh.find(keys(6, seed=2)) == -1).all()
    written.flush()
    written.refresh()
    assert written.entries == 14 and not wrong(written, np.concatenate([keys(6, seed=2), keys(2, seed=3)]))


def test_a_fork_that_writes_nothing_itself_flushes_nothing(tmp_path, monkeypatch):
    written = store(tmp_path)
    written.add(keys(2), values(keys(2)))
    monkeypatch.setattr("os.getpid", lambda: -1)
    written.flush()
    assert not written.folder.exists() and not wrong(written, keys(2))


def test_a_shard_that_vanishes_while_it_is_opened_is_passed_over(tmp_path, monkeypatch):
    path = filled(tmp_path)
    monkeypatch.setattr("os.listdir", lambda folder: [path.name, f"{'0' * 32}.safetensors"])
    assert store(tmp_path).entries == 6


def test_a_copy_in_the_same_process_reads_too(tmp_path):
    filled(tmp_path)
    assert not wrong(copy.deepcopy(store(tmp_path)), keys(6))
