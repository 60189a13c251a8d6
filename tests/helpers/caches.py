"""Small caches of teachers' outputs, whose entries can be told from their keys."""

import numpy as np

from hf_multiteacher.cache import TeacherCache

IDENTITY = {"teacher": "org/teacher", "revision": "1a2b3c4", "precision": "float32"}


def teacher_cache(folder, name="org/teacher", **changes):
    return TeacherCache(folder, name, {**IDENTITY, **changes})


def store(folder, kind="logits", shard_bytes=2**26):
    return teacher_cache(folder).store(kind, 3, "float32", shard_bytes)


def keys(number, seed=0):
    return np.random.default_rng(seed).integers(0, 2**64, (number, 2), dtype=np.uint64)


def values(keys):
    """For each key the entry that belongs to it, of 0 to 4 rows."""
    return [
        np.arange(first % 5 * 3, dtype=np.float32).reshape(-1, 3) + second % 1000 for first, second in keys.tolist()
    ]


def filled(folder, number=6, seed=0, kind="logits"):
    """Write that many entries as one shard, and return its path."""
    written = store(folder, kind)
    before = {*written.folder.glob("*")}
    written.add(keys(number, seed), values(keys(number, seed)))
    written.flush()
    (path,) = {*written.folder.glob("*.safetensors")} - before
    return path


def wrong(store, keys):
    """The keys among those that are found whose entries are not what they should be."""
    found = keys[store.find(keys) >= 0]
    padded, rows = store.read(store.find(found))
    expected = zip(found, padded, rows, values(found), strict=True)
    return [key for key, given, count, right in expected if not np.array_equal(given[:count], right)]
