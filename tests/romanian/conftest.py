"""Small files of the five data sets."""

import json

import pytest

from helpers.treebank import TREEBANK, treebank


@pytest.fixture(name="treebank")
def treebank_file(tmp_path):
    """Two sentences with all that CoNLL-U allows."""
    path = tmp_path / "treebank.conllu"
    path.write_text(TREEBANK, encoding="utf-8")
    return path


@pytest.fixture
def folder(tmp_path):
    """A folder with small files of all five data sets; no official validation part in LaRoSeDa and MOROCO."""
    for name in ("rrt", "ronec", "laroseda", "moroco/train", "ro_sts"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "rrt/ro_rrt-ud-train.conllu").write_text(treebank([[("Oraş", "NOUN", "Nc"), (".", "PUNCT", "P")]] * 3))
    dev = treebank([[("Da", "INTJ", "I"), ("da", "INTJ", "I"), (".", "PUNCT", "P")]])
    (tmp_path / "rrt/ro_rrt-ud-dev.conllu").write_text(dev)
    record = {"id": 1, "tokens": ["Ţara", "mea"], "ner_tags": ["B-ORGANIZATION", "B-PRODUCT"]}
    for name in ("train", "valid"):
        (tmp_path / f"ronec/{name}.json").write_text(json.dumps([record]))
    reviews = [{"index": str(i), "title": f"t{i}", "content": "c", "starRating": "12445"[i % 5]} for i in range(200)]
    (tmp_path / "laroseda/laroseda_train.json").write_text(json.dumps({"reviews": reviews}))
    (tmp_path / "moroco/train/samples.txt").write_text("".join(f"{i}\ttext {i}\n" for i in range(40)))
    (tmp_path / "moroco/train/dialect_labels.txt").write_text("".join(f"{i}\t{1 + (i < 20)}\n" for i in range(40)))
    (tmp_path / "ro_sts/RO-STS.train.tsv").write_text("".join(f"{i % 6}\ta{i}\tb\n" for i in range(60)))
    return tmp_path
