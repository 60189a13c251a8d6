"""Prediction files: nothing but the tags changes, and scorers of the files agree with our figures."""

import json

import pytest

from helpers.tagging import file_accuracy, file_f1, noisy, tags_of
from helpers.treebank import TREEBANK, row
from hf_multiteacher.romanian.conllu import read_conllu
from hf_multiteacher.romanian.loading import load_task
from hf_multiteacher.romanian.metrics import compute_task_metrics
from hf_multiteacher.romanian.predictions import write_conllu, write_ronec


@pytest.fixture
def treebank(tmp_path):
    path = tmp_path / "treebank.conllu"
    path.write_text(TREEBANK, encoding="utf-8")
    return path


def test_a_scorer_of_the_written_conllu_agrees(upos, tmp_path):
    words, gold = upos.data["test"]["words"][:], tags_of(upos, "test")
    predicted = noisy(gold, upos.label_names, 0.2)
    write_conllu(tmp_path / "gold.conllu", words, gold, "upos")
    write_conllu(tmp_path / "predicted.conllu", words, predicted, "upos")
    ours = compute_task_metrics(upos, predicted, gold)["accuracy"]
    assert file_accuracy(tmp_path / "gold.conllu", tmp_path / "predicted.conllu", 3) == pytest.approx(ours)


def test_a_scorer_of_the_written_ronec_agrees(ner, tmp_path):
    words, gold = ner.data["test"]["words"][:], tags_of(ner, "test")
    predicted = noisy(gold, ner.label_names, 0.2)
    write_ronec(tmp_path / "gold.json", words, gold)
    write_ronec(tmp_path / "predicted.json", words, predicted)
    ours = compute_task_metrics(ner, predicted, gold)
    paths = tmp_path / "gold.json", tmp_path / "predicted.json"
    assert file_f1(*paths, typed=True) == pytest.approx(ours["entity_f1"])
    assert file_f1(*paths, typed=False) == pytest.approx(ours["boundary_f1"])


@pytest.mark.real_data
@pytest.mark.parametrize("key, column", [("upos", 3), ("xpos", 4)])
def test_scorers_agree_on_the_real_treebank(romanian_data, tmp_path, key, column):
    task = load_task(key, romanian_data)
    source = romanian_data / "rrt/ro_rrt-ud-dev.conllu"
    gold = tags_of(task)
    predicted = noisy(gold, task.label_names, 0.1)
    write_conllu(tmp_path / "p.conllu", task.data["validation"]["words"][:], predicted, key, source=source)
    ours = compute_task_metrics(task, predicted, gold)["accuracy"]
    assert file_accuracy(source, tmp_path / "p.conllu", column) == pytest.approx(ours)


@pytest.mark.real_data
def test_scorers_agree_on_the_real_entities(romanian_data, tmp_path):
    task = load_task("ner", romanian_data)
    source = romanian_data / "ronec/valid.json"
    gold = tags_of(task)
    predicted = noisy(gold, task.label_names, 0.1)
    write_ronec(tmp_path / "p.json", task.data["validation"]["words"][:], predicted, source=source)
    ours = compute_task_metrics(task, predicted, gold)
    assert file_f1(source, tmp_path / "p.json", typed=True) == pytest.approx(ours["entity_f1"])
    assert file_f1(source, tmp_path / "p.json", typed=False) == pytest.approx(ours["boundary_f1"])


def test_written_conllu_keeps_everything_of_the_source_but_the_tags(treebank, tmp_path):
    tags = [["NOUN", "PRON", "NOUN", "PUNCT"], ["SYM", "NOUN"]]
    words = [s["words"] for s in read_conllu(treebank)]
    write_conllu(tmp_path / "p.conllu", words, tags, "upos", source=treebank)
    assert [s["upos"] for s in read_conllu(tmp_path / "p.conllu")] == tags
    assert file_accuracy(treebank, tmp_path / "p.conllu", 3) == 4 / 6
    changed = [
        (a, b)
        for a, b in zip(TREEBANK.split("\n"), (tmp_path / "p.conllu").read_text().split("\n"), strict=True)
        if a != b
    ]
    assert changed == [
        (row("1", "Dă", "VERB", "Vm"), row("1", "Dă", "NOUN", "Vm")),
        (row("2", "Da", "INTJ", "I"), row("2", "Da", "NOUN", "I")),
    ]


def test_conllu_is_written_without_a_source(tmp_path):
    write_conllu(tmp_path / "p.conllu", [["Un", "om"], ["Da"]], [["Ti", "Nc"], ["I"]], "xpos")
    assert [s["xpos"] for s in read_conllu(tmp_path / "p.conllu")] == [["Ti", "Nc"], ["I"]]
    assert (tmp_path / "p.conllu").read_text(encoding="utf-8").endswith("root\t_\t_\n\n")


def test_conllu_is_not_written_for_other_sentences(treebank, tmp_path):
    with pytest.raises(ValueError, match="tags would land on other words"):
        write_conllu(tmp_path / "p.conllu", [["a", "b"]], [["X", "X"]], "upos", source=treebank)
    with pytest.raises(ValueError, match="one tag for each word: sentence 0 has 2 words and 1 tags"):
        write_conllu(tmp_path / "p.conllu", [["a", "b"]], [["X"]], "upos")
    assert not (tmp_path / "p.conllu").exists()


def test_written_ronec_keeps_ids_and_spaces_of_the_source(tmp_path):
    record = {
        "id": 30,
        "ner_tags": ["O", "O"],
        "ner_ids": [0, 0],
        "tokens": ["Satu", "Mare"],
        "space_after": [True, False],
    }
    (tmp_path / "gold.json").write_text(json.dumps([record]))
    write_ronec(tmp_path / "p.json", [["Satu", "Mare"]], [["B-GPE", "I-GPE"]], source=tmp_path / "gold.json")
    written = json.loads((tmp_path / "p.json").read_text())
    assert written == [record | {"ner_tags": ["B-GPE", "I-GPE"], "ner_ids": [5, 6]}]


def test_ronec_is_not_written_for_other_sentences(tmp_path):
    with pytest.raises(ValueError, match="2 sentences and 1 rows of tags.*Predict every word"):
        write_ronec(tmp_path / "p.json", [["a"], ["b"]], [["O"]])
    (tmp_path / "gold.json").write_text(json.dumps([{"id": 1, "tokens": ["a", "b"], "ner_tags": ["O", "O"]}]))
    with pytest.raises(ValueError, match=r"source .*gold\.json expects .* sentence 0 has 2 words and 1 tags"):
        write_ronec(tmp_path / "p.json", [["a"]], [["O"]], source=tmp_path / "gold.json")
    assert not (tmp_path / "p.json").exists()
