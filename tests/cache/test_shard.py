"""No change of a shard passes: it is refused by its name, when it is opened or when the changed entry is read."""

import numpy as np
import pytest
from safetensors.numpy import load_file

from helpers.caches import filled, keys, store, teacher_cache, values, wrong
from hf_multiteacher.cache import DamagedCacheError
from hf_multiteacher.cache.header import FORMAT, read_header


def read_all(folder):
    opened = store(folder)
    assert (opened.find(keys(3)) >= 0).all()
    assert not wrong(opened, keys(3))


def test_it_is_an_ordinary_safetensors_file(tmp_path):
    arrays = load_file(filled(tmp_path, 3))
    assert {name: array.dtype.name for name, array in arrays.items()} == {
        "keys": "uint64",
        "starts": "int64",
        "checksums": "uint32",
        "values": "float32",
    }
    assert np.array_equal(arrays["keys"], keys(3))
    assert np.array_equal(arrays["values"], np.concatenate(values(keys(3))))


def test_no_bit_of_it_can_be_flipped(tmp_path):
    path = filled(tmp_path, 3)
    content = path.read_bytes()
    read_all(tmp_path)
    for bit in range(8 * len(content)):
        flipped = bytearray(content)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        with pytest.raises(DamagedCacheError, match=f"{path.name} .*cache prune DIR"):
            read_all(tmp_path)


def test_it_can_be_cut_or_go_on_nowhere(tmp_path):
    path = filled(tmp_path, 3)
    content = path.read_bytes()
    for length in range(len(content)):
        path.write_bytes(content[:length])
        with pytest.raises(DamagedCacheError, match=path.name):
            read_all(tmp_path)
    path.write_bytes(content + b"\0")
    with pytest.raises(DamagedCacheError, match=f"has {len(content) + 1:,} bytes and should have {len(content):,}"):
        read_all(tmp_path)


def test_values_that_changed_are_found_when_their_entry_is_read_and_only_then(tmp_path):
    path = filled(tmp_path)
    opened = store(tmp_path)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    last = [row for row, entry in enumerate(values(keys(6))) if len(entry)][-1]
    others = np.delete(keys(6), last, axis=0)
    assert not wrong(opened, others)
    with pytest.raises(DamagedCacheError, match=f"{path.name} has values that were changed, in entry {last}"):
        opened.read(opened.find(keys(6)))


def test_what_happens_to_a_shard_that_is_in_use_is_found_before_anything_wrong_is_read(tmp_path):
    path = filled(tmp_path)
    opened, used = store(tmp_path), store(tmp_path)
    assert not wrong(used, keys(6))
    content = path.read_bytes()
    for left in (b"", content[:-1]):
        path.write_bytes(left)
        for each in (opened, used):
            with pytest.raises(DamagedCacheError, match=f"has {len(left)} bytes"):
                each.read(each.find(keys(6)))
    path.unlink()
    with pytest.raises(DamagedCacheError, match=f"{path.name} was removed while it was in use"):
        opened.read(opened.find(keys(6)))


def test_two_entries_that_changed_places_are_refused(tmp_path):
    path = filled(tmp_path, 3)
    header = read_header(path)
    content = bytearray(path.read_bytes())
    begin = header.offsets()["keys"]
    content[begin : begin + 32] = content[begin + 16 : begin + 32] + content[begin : begin + 16]
    path.write_bytes(content)
    with pytest.raises(DamagedCacheError, match="keys, starts or checksums that were changed"):
        store(tmp_path)


def test_one_of_another_teacher_kind_or_format_is_refused(tmp_path):
    path = filled(tmp_path, 3)
    content = path.read_bytes()
    other = teacher_cache(tmp_path, revision="another")
    place = other.folder / "logits" / path.name
    place.parent.mkdir()
    place.write_bytes(content)
    with pytest.raises(DamagedCacheError, match=f"{path.name} is of another teacher, with fingerprint"):
        other.store("logits", 3, "float32")

    place = path.parents[1] / "states" / path.name
    place.parent.mkdir()
    place.write_bytes(content)
    with pytest.raises(DamagedCacheError, match=f"{path.name} holds 'logits' and stands where 'states' should be"):
        store(tmp_path, "states")

    path.write_bytes(content.replace(FORMAT.encode(), b"hf_multiteacher.cache/2"))
    with pytest.raises(DamagedCacheError, match="is of the format 'hf_multiteacher.cache/2', and this version"):
        store(tmp_path)


@pytest.mark.parametrize("header", [b"[]", b"{}", b'{"__metadata__": 3}', b"[" * 5000, b"\xff", b"null"])
def test_what_is_no_header_is_refused(tmp_path, header):
    path = filled(tmp_path)
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(DamagedCacheError, match="has no header that can be read"):
        store(tmp_path)


def test_entries_without_rows_are_entries(tmp_path):
    written = store(tmp_path)
    written.add(keys(4), [np.ones((0, 3), np.float32)] * 4)
    written.flush()
    opened = store(tmp_path)
    assert opened.read(opened.find(keys(4)))[1].tolist() == [0] * 4
