"""Twenty processes that write and read one store, two at a time, each killed at a random moment.

    python -m helpers.killed_cache FOLDER

A process of its own, which forks and has not imported torch. It prints how many were killed, and ends with an error
where an entry is wrong or a file is damaged.
"""

import os
import signal
import sys
from pathlib import Path
from random import Random

from helpers.caches import keys, store, values, wrong
from hf_multiteacher.cache.contents import teacher_folders

ENTRIES = keys(600)


def main(folder):
    random = Random(0)

    killed = 0
    for _ in range(10):
        running = [start(folder, random.random()) for _ in range(2)]
        killed += sum(kill_after(random.randrange(1, 40), *each) for each in running)
        require_right(folder)

    work(folder, Random(0), os.open(os.devnull, os.O_WRONLY))
    assert require_right(folder) == len(ENTRIES)
    print(killed)


def start(folder, seed):
    """Fork a process that works; returns its number, and where it tells of every entry."""
    told, tell = os.pipe()
    process = os.fork()
    if process == 0:
        work(folder, Random(seed), tell)
        os._exit(0)
    os.close(tell)
    return process, told


def work(folder, random, tell):
    """Add all entries that are not there, in any order, in small shards, and read some of them."""
    writing = store(folder, shard_bytes=2500)
    for number in random.sample(range(len(ENTRIES)), len(ENTRIES)):
        key = ENTRIES[number : number + 1]
        writing.refresh()
        writing.add(key, values(key))
        assert not wrong(writing, ENTRIES[: number + 1][-20:])
        os.write(tell, b".")
    writing.flush()


def kill_after(entries, process, told):
    """Kill a process once it has told of so many entries; whether it was still alive."""
    while entries and (heard := os.read(told, entries)):
        entries -= len(heard)
    os.kill(process, signal.SIGKILL)
    os.close(told)
    return os.WIFSIGNALED(os.waitpid(process, 0)[1])


def require_right(folder):
    """Read all that can be found, as a new process would; returns how many entries that are."""
    opened = store(folder)
    assert not wrong(opened, ENTRIES)
    assert [*teacher_folders(Path(folder))[0].damage()] == []
    return int((opened.find(ENTRIES) >= 0).sum())


if __name__ == "__main__":
    main(sys.argv[1])
