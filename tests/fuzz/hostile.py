"""What is made to do harm, or left by a machine that failed: bombs, cuts, pipes, links, full disks, closed outputs."""

import contextlib
import gzip
import lzma
import os
from collections.abc import Callable
from pathlib import Path
from random import Random

from helpers.small_disk import small_disk
from hf_multiteacher.commands.exit import FINISHED
from hf_multiteacher.commands.outputs import UNREAD

TEXT = "un om merge\n\nla casa lui\n" * 200
Program = Callable[[list[str]], int]


def hostile_corpus(random: Random, folder: Path) -> str:
    """Write a corpus that costs more than it seems to, or is damaged, and name it."""
    place = folder / "hostile"
    place.mkdir()
    random.choice((_long, _cut_short, _odd_bytes, _no_file))(random, place)
    return random.choice(("hostile", str(next(place.iterdir()).relative_to(folder))))


def _long(random: Random, place: Path) -> None:
    text = random.choice(("un om " * 10**5, "漢" * 10**5, " " * 10**6 + "om", "\n" * 10**6, "a\r" * 10**4)).encode()
    random.choice(
        (
            lambda: (place / "long.txt").write_bytes(text),
            lambda: (place / "long.xz").write_bytes(lzma.compress(text)),
            lambda: (place / "long.gz").write_bytes(gzip.compress(text)),
        )
    )()


def _cut_short(random: Random, place: Path) -> None:
    name, data = random.choice(
        (("a.txt", TEXT.encode()), ("a.xz", lzma.compress(TEXT.encode())), ("a.gz", gzip.compress(TEXT.encode())))
    )
    cut = data[: random.randrange(len(data))]
    ends = (cut, cut + bytes(5000), data + bytes(5000), data + b"garbage", data + data, data[:20] + data[21:])
    (place / name).write_bytes(random.choice(ends))


def _odd_bytes(random: Random, place: Path) -> None:
    unknown = "\n\n".join(f"漢{chr(0x4E00 + number)} 字" for number in range(100))
    whole = (b"\xef\xbb\xbf" + TEXT.encode(), TEXT.replace("\n", "\r").encode(), unknown.encode())
    broken = (TEXT.encode() + b"\xc8", b"\xff\xfe" + TEXT.encode("utf-16-le"), b"\0" * 100, TEXT.encode() + b"\0\n")
    (place / "a.txt").write_bytes(random.choice(whole + broken))


def _no_file(random: Random, place: Path) -> None:
    (place / "a.txt").write_text(TEXT)
    _not_a_file(random, place / "b.txt")


def _not_a_file(random: Random, path: Path) -> None:
    """Leave a pipe that nobody writes to, or a link to nowhere, to itself, out of the folder or to a device."""
    random.choice(
        (
            os.mkfifo,
            lambda path: path.symlink_to("nowhere"),
            lambda path: path.symlink_to(path),
            lambda path: path.symlink_to("/etc/passwd"),
            lambda path: path.symlink_to("/dev/zero"),
        )
    )(path)


def hostile_model(random: Random, folder: Path) -> None:
    """Put something else in the place of a file of a model, or weights that promise more than they have."""
    path = random.choice(sorted(path for path in folder.iterdir() if path.is_file()))
    if path.suffix == ".safetensors" and random.random() < 0.7:
        content = path.read_bytes()
        header = int.from_bytes(content[:8], "little")
        place = random.randrange(len(content))
        lies = (b"\xff" * 8, (header + 10**6).to_bytes(8, "little"), (header - 1).to_bytes(8, "little"))
        path.write_bytes(random.choice((content[:place], content + bytes(9), *(lie + content[8:] for lie in lies))))
    else:
        path.unlink()
        _not_a_file(random, path)


def hostile_yaml(random: Random, text: str) -> bytes:
    """Give a configuration what multiplies, nests, repeats itself or is out of every range."""
    bomb = "".join(f"x{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9) if i else 'x'}]\n" for i in range(12))
    deep = random.choice(("[" * 9000, "{a: " * 9000, "[" * 9000 + "]" * 9000))
    number = random.choice(("1" + "0" * 20, "1" + "0" * 5000, "0x" + "f" * 9000, "1e999", "-.inf", "1:2:3:4:5"))
    key = random.choice(("max_steps", "max_length", "held_out", "seed", "learning_rate", "layer_map", "unknown"))
    first = text.splitlines()[0] if text else ""
    return random.choice(
        (
            bomb + text,
            text + bomb.replace("x11", "layer_map"),
            f"{text}\n{key}: {deep}\n",
            f"{text}\n{first}\n",
            f"{text}\n{key}: {number}\n",
            f"{text}\n{key}: &a {{<<: *a}}\n",
            f"{text}\n# {'x' * 300_000}\n",
        )
    ).encode()


def on_a_small_disk(random: Random, program: Program) -> Program:
    """Run a program while no file grows beyond a size."""
    size = random.choice((0, 100, 1000, 10_000, 100_000))

    def run(words: list[str]) -> int:
        with small_disk(size):
            return program(words)

    return run


def without_reader(random: Random, program: Program) -> Program:
    """Run a program whose output nobody reads; that it says so is as good as the end of any other."""

    def run(words: list[str]) -> int:
        read, write = os.pipe()
        os.close(read)
        with open(write, "w", encoding="utf-8") as stream, contextlib.redirect_stdout(stream):
            code = program(words)
        return FINISHED if code == UNREAD else code

    return run
