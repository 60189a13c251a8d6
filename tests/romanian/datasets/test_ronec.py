"""RONEC: read, every damage named by file and record; written, and scored from the files as from our figures."""

import json

import pytest

from helpers.files import broken
from helpers.ronec import ronec_record
from helpers.tagging import file_f1, noisy, tags_of
from hf_multiteacher.romanian.datasets.ronec import read_ronec, write_ronec
from hf_multiteacher.romanian.files import DataFileError
from hf_multiteacher.romanian.loading import load_task
from hf_multiteacher.romanian.metrics import compute_task_metrics
from hf_multiteacher.romanian.scores import entity_scores


def test_ronec_is_read(tmp_path):
    path = broken(tmp_path / "r.json", json.dumps([ronec_record()]))
    assert read_ronec(path) == [{"words": ["Iași", "."], "ner": ["B-GPE", "O"]}]


def test_ronec_record_with_too_few_tags_is_named(tmp_path):
    path = broken(tmp_path / "r.json", json.dumps([ronec_record(), ronec_record(id=9, ner_tags=["O"])]))
    with pytest.raises(DataFileError, match=r"r\.json, record 2 \(id 9\): 2 tokens and 1 tags"):
        read_ronec(path)


def test_ronec_record_without_tags_is_named(tmp_path):
    with pytest.raises(DataFileError, match="record 1: expected the fields .*, ner_tags, .*but not found: ner_tags.$"):
        read_ronec(broken(tmp_path / "r.json", json.dumps([{"id": 1, "tokens": []}])))


@pytest.mark.parametrize("field", ["tokens", "ner_tags"])
@pytest.mark.parametrize("value", [None, "ab", ["Iași", None], [1, 2], {"a": 1, "b": 2}])
def test_ronec_record_of_another_type_is_named(tmp_path, field, value):
    path = broken(tmp_path / "r.json", json.dumps([ronec_record(), ronec_record(id=9, **{field: value})]))
    with pytest.raises(DataFileError, match=rf"record 2 \(id 9\): expected a list of texts in the field '{field}'"):
        read_ronec(path)


@pytest.mark.parametrize("content", ["{}", "[]", '"text"'])
def test_ronec_that_is_no_list_is_refused(tmp_path, content):
    with pytest.raises(DataFileError, match="expected a list of records"):
        read_ronec(broken(tmp_path / "r.json", content))


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


def test_a_tag_that_continues_nothing_is_written_as_none(tmp_path):
    tags = ["I-GPE", "B-GPE", "I-GPE", "I-LOC", "I-LOC", "O", "I-GPE", "B-LOC", "B-GPE", "I-GPE"]
    written = ["O", "B-GPE", "I-GPE", "O", "O", "O", "O", "B-LOC", "B-GPE", "I-GPE"]
    write_ronec(tmp_path / "p.json", [["a"] * 10], [tags])
    assert json.loads((tmp_path / "p.json").read_text())[0]["ner_tags"] == written
    gold = [["B-GPE", "B-GPE", "I-GPE", "B-LOC", "I-LOC", "O", "O", "B-LOC", "O", "B-GPE"]]
    assert entity_scores([tags], gold) == entity_scores([written], gold)


def test_ronec_is_not_written_for_other_sentences(tmp_path):
    with pytest.raises(ValueError, match="2 sentences and 1 rows of tags.*Predict every word"):
        write_ronec(tmp_path / "p.json", [["a"], ["b"]], [["O"]])
    (tmp_path / "gold.json").write_text(json.dumps([{"id": 1, "tokens": ["a", "b"], "ner_tags": ["O", "O"]}]))
    with pytest.raises(ValueError, match=r"source .*gold\.json expects .* sentence 0 has 2 words and 1 tags"):
        write_ronec(tmp_path / "p.json", [["a"]], [["O"]], source=tmp_path / "gold.json")
    assert not (tmp_path / "p.json").exists()


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
def test_scorers_agree_on_the_real_entities(romanian_data, tmp_path):
    task = load_task("ner", romanian_data)
    source = romanian_data / "ronec/valid.json"
    gold = tags_of(task)
    predicted = noisy(gold, task.label_names, 0.1)
    write_ronec(tmp_path / "p.json", task.data["validation"]["words"][:], predicted, source=source)
    ours = compute_task_metrics(task, predicted, gold)
    assert file_f1(source, tmp_path / "p.json", typed=True) == pytest.approx(ours["entity_f1"])
    assert file_f1(source, tmp_path / "p.json", typed=False) == pytest.approx(ours["boundary_f1"])


@pytest.mark.real_data
def test_entity_ids_are_those_of_the_distribution(romanian_data):
    names = load_task("ner", romanian_data).label_names
    for record in json.loads((romanian_data / "ronec/valid.json").read_text(encoding="utf-8")):
        assert [names[i] for i in record["ner_ids"]] == record["ner_tags"]
