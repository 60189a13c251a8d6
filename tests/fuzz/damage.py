"""What goes wrong with values, texts, files and folders: each function draws one way, and does it."""

import gzip
import json
import lzma
import math
import pickle
import shutil
from datetime import date
from pathlib import Path
from random import Random

import yaml

from fuzz.hostile import hostile_corpus, hostile_model, hostile_yaml

VALUES = (
    *("text", "fast", "3", "1e-4", "no", "yes", "none", "", " ", "a,b", "ț", "/", "../..", "{", '{"a": 1}'),
    *(True, False, None, 0, 1, 2, -1, 3.5, 0.5, 1e-4, 10**6, 10**20, 10**30, -(10**30), math.nan, math.inf),
    *([], [1], ["a", None], [["a"]], [0.5, 0.5], [-1, 1], {}, {"a": 1}, {"a": {"b": []}}, {1: 2}, date(2020, 1, 1)),
)
"""Right for some keys, and wrong for most."""

LINES = (
    "",
    "\n\n\n",
    "un rând",
    "o propoziție\tși alta\n",
    "trei\tcu\ttab\n",
    "a " * 30_000,
    "a" * 30_000,
    "\x00\x01\x02\x1b[31m\x7f\n" * 5,
    "\u2028\u2029\x85\x0b\x0c\n",
    "\ufeffcu semn la început\n",
    "rânduri\r\nde pe\r\nalt sistem\r\n",
    "🙂👩‍👩‍👧 مرحبا שלום ‮invers\n",
    "ş ţ Ş Ţ\n",
    "[MASK] [CLS] [SEP] [PAD] <s> </s>\n",
)
SUFFIXES = (".txt", ".txt.gz", ".txt.xz", ".csv", "")


def damaged_bytes(random: Random, data: bytes) -> bytes:
    """Cut, empty, mix up or re-encode what a file holds."""
    place = random.randrange(len(data) + 1)
    return random.choice(
        (
            b"",
            b"\n",
            b"null",
            b"[]",
            b"{}",
            data[:place],
            data[place:],
            data[:place] + random.randbytes(8) + data[place:],
            data[:place] + b"\0" * 100,
            data.replace(b"\t", random.choice((b" ", b",", b";", b"\t\t"))),
            data.replace(b"\n", random.choice((b"\r\n", b"\n\n", b" "))),
            data.replace(b"B-", b"I-"),
            data.replace(b'"', b"'"),
            b"\xef\xbb\xbf" + data,
            data.decode("utf-8", "replace").encode("utf-16"),
            data.decode("utf-8", "replace").encode("iso-8859-16", "replace"),
            data * 2,
            random.randbytes(200),
        )
    )


def damage_file(random: Random, path: Path) -> None:
    """Change what a file holds, or put something else in its place."""
    how = random.randrange(6)
    if how == 0:
        path.unlink()
    elif how == 1:
        path.unlink()
        path.mkdir()
    else:
        path.write_bytes(damaged_bytes(random, path.read_bytes()))


def damage_lines(random: Random, path: Path) -> None:
    """Damage one line or column of a table: what a spreadsheet or a hand leaves."""
    lines = path.read_text("utf-8").split("\n")
    number = random.randrange(len(lines))
    cells = lines[number].split("\t")
    place = random.randrange(len(cells))

    lines[number] = random.choice(
        (
            "",
            "\t" * 9,
            "garbage",
            "\t".join(cells[:place]),
            "\t".join([*cells, "more"]),
            "\t".join([*cells[:place], "", *cells[place + 1 :]]),
            "\t".join(
                [*cells[:place], random.choice(("-1", "99", "nan", "inf", "x", "²", "_", "0")), *cells[place + 1 :]]
            ),
        )
    )
    path.write_text("\n".join(lines), encoding="utf-8")


def damage_json(random: Random, path: Path) -> None:
    """Change one field of one record."""
    content = json.loads(path.read_text("utf-8"))
    records = content["reviews"] if isinstance(content, dict) else content
    record = random.choice(records)
    field = random.choice([*record])
    if random.random() < 0.3:
        del record[field]
    else:
        record[field] = random.choice([value for value in VALUES if not isinstance(value, date)])
    path.write_text(json.dumps(content), encoding="utf-8")


def damage_data(random: Random, folder: Path) -> None:
    """Damage one file of a folder of Romanian data, or the folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    path = random.choice(files)
    how = random.random()
    if how < 0.1:
        shutil.rmtree(path.parent)
    elif how < 0.4:
        damage_file(random, path)
    elif path.suffix == ".json":
        damage_json(random, path)
    else:
        damage_lines(random, path)


def damage_run(random: Random, folder: Path) -> None:
    """Change something in a file of those that a run has left."""
    path = random.choice(sorted(folder.iterdir()))
    if path.suffix != ".json" or random.random() < 0.2:
        damage_file(random, path)
        return

    content = json.loads(path.read_text("utf-8"))
    for _ in range(random.choice((1, 1, 3))):
        _change_somewhere(random, content)
    path.write_text(json.dumps(content), encoding="utf-8")


def _change_somewhere(random: Random, content: dict | list) -> None:
    """Give a value in nested records another one, or take it away."""
    key = random.choice([*content] if isinstance(content, dict) else range(len(content)))
    if isinstance(content[key], dict | list) and content[key] and random.random() < 0.8:
        _change_somewhere(random, content[key])
    elif random.random() < 0.2 and len(content) > 1:
        del content[key]
    else:
        content[key] = random.choice([value for value in VALUES if not isinstance(value, date)])


def damage_model(random: Random, folder: Path) -> None:
    """Leave a folder that is no model, no longer one, or one of another kind."""
    ways = (_of_its_files, _of_its_files, _of_its_configuration, _weights_elsewhere, _no_model, hostile_model)
    random.choice(ways)(random, folder)


def _of_its_files(random: Random, folder: Path) -> None:
    damage_file(random, random.choice(sorted(path for path in folder.iterdir() if path.is_file())))


def _of_its_configuration(random: Random, folder: Path) -> None:
    path = folder / random.choice(("config.json", "config.json", "tokenizer_config.json"))
    content = json.loads(path.read_text("utf-8"))
    key = random.choice([*content, "quantization_config", "auto_map", "unknown"])
    others = ("llama", "t5", "bogus", ["LlamaForCausalLM"], "BertForMaskedLM", 7, 0, -1, 1e30, None, [], {}, "x", True)
    content[key] = random.choice(others)
    if random.random() < 0.2:
        del content[key]
    path.write_text(json.dumps(content), encoding="utf-8")


def _weights_elsewhere(random: Random, folder: Path) -> None:
    weights = folder / "model.safetensors"
    content = weights.read_bytes()
    weights.unlink()
    if random.random() < 0.5:
        (folder / "pytorch_model.bin").write_bytes(pickle.dumps({"weights": [1.0]}))
    elif random.random() < 0.5:
        (folder / "pytorch_model.bin").write_bytes(content)
    else:
        index = {"metadata": {}, "weight_map": {"bert.pooler.dense.bias": "model-00002-of-00002.safetensors"}}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def _no_model(random: Random, folder: Path) -> None:
    how = random.randrange(4)
    shutil.rmtree(folder)
    if how == 0:
        folder.write_text("a file")
    elif how == 1:
        folder.mkdir()
    elif how == 2:
        folder.mkdir()
        adapter = {"peft_type": "LORA", "base_model_name_or_path": random.choice((None, "", "no/base")), "r": 8}
        (folder / "adapter_config.json").write_text(json.dumps(adapter))


def draw_corpus(random: Random, folder: Path) -> str:
    """Write a corpus that is an odd one, and name it."""
    if random.random() < 0.25:
        return hostile_corpus(random, folder)

    name = f"odd{random.choice(SUFFIXES)}"
    text = "".join(random.choice(LINES) for _ in range(random.randrange(4))).encode()
    data = damaged_bytes(random, text) if random.random() < 0.3 else text
    if name.endswith(".gz"):
        data = gzip.compress(data)
    elif name.endswith(".xz"):
        data = lzma.compress(data)
    if random.random() < 0.2:
        data = data[: len(data) // 2]

    (folder / name).write_bytes(data)
    if random.random() < 0.2:
        (folder / "texts").mkdir()
        if random.random() < 0.7:
            shutil.move(folder / name, folder / "texts" / name)
        return "texts"
    return random.choice((name, name, name, name, "none.txt", "no/dataset"))


def write_yaml(random: Random, path: Path, settings: dict) -> None:
    """Write a configuration, maybe not as YAML wants it."""
    text = yaml.safe_dump(settings, allow_unicode=True, sort_keys=False)
    how = random.random()
    if how > 0.25:
        path.write_text(text, encoding="utf-8")
        return
    if how > 0.18:
        path.write_bytes(hostile_yaml(random, text))
        return

    line = random.choice(text.splitlines() or [""])
    data = random.choice(
        (
            b"",
            b"# a comment\n",
            b"- a\n- b\n",
            b"just text\n",
            b"a: b: c\n",
            b"a: [\n",
            b"a: *nowhere\n",
            b"a: !!python/object:os.system {}\n",
            b"1: 2\nnull: 3\n[a]: 4\n",
            b"? {a: b}\n: c\n",
            f"{text}---\n{text}".encode(),
            f"{text}{line}\n".encode(),
            f"{text}max_length: 16\nmax_length: 32\n".encode(),
            text.replace("  ", "\t").encode(),
            f"\t{text}".encode(),
            text.replace(": ", ":").encode(),
            text.replace("\n", "\r\n").encode(),
            text.encode("utf-8-sig"),
            text.encode("utf-16"),
            text.encode("iso-8859-16", "replace") + b"\xff",
            text.encode() + b"\0",
            (text + "corpus: &a [*a]\n").encode(),
            (text + "layer_map: &a {b: *a}\n").encode(),
            damaged_bytes(random, text.encode()),
        )
    )
    path.write_bytes(data)


def draw_output(random: Random, folder: Path) -> str:
    """Name an output folder; where it is there, it is full, a file, or somebody else's."""
    how = random.random()
    if how < 0.7:
        return "out/deep" if how < 0.1 else "out"
    if how < 0.8:
        (folder / "full").mkdir()
        (folder / "full/precious.txt").write_text("mine")
        return "full"
    return random.choice(
        ("corpus.txt", "corpus.txt/below", "cased", ".", "", "/proc/no", "data", "out\x00", "~nobody/x", "x" * 300)
    )
