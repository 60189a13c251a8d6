"""Models side by side: the same text, a row for each shape, ratios to the first."""

import json

import pytest

from helpers.saved_classifiers import save_classifier
from helpers.saved_encoders import save_encoder
from hf_multiteacher.recipes.benchmark import BenchmarkRun, Candidate


@pytest.fixture(scope="module")
def models(tmp_path_factory, cased_tokenizer, uncased_tokenizer):
    folder = tmp_path_factory.mktemp("models")
    return [
        save_encoder(folder / "student", cased_tokenizer, layers=1),
        save_classifier(folder / "teacher", uncased_tokenizer, "SequenceClassification", "ab", seed=1),
    ]


def test_every_shape_is_measured_of_every_model_and_the_first_is_the_reference(models, tmp_path):
    shapes = {"batch_sizes": (1, 3), "lengths": (8, 16), "rounds": 1, "devices": ["cpu"]}
    text = BenchmarkRun(models, **shapes, json=str(tmp_path / "figures.json")).run()
    measured = json.loads((tmp_path / "figures.json").read_text())

    assert [(row["batch_size"], row["length"]) for row in measured["speed"]] == [(1, 8), (3, 8), (1, 16), (3, 16)]
    assert all(row["models"]["student"]["latency_ratio"] == 1 for row in measured["speed"])
    assert [row["models"]["student"]["tokens"] for row in measured["speed"]] == [8, 8, 16, 16]
    assert measured["sizes"].keys() == {"student", "teacher"} and "PyTorch" in measured["machine"]["cpu"]
    assert text.count("at once") == 4 and max(map(len, text.splitlines()[:-2])) <= 80


def test_all_read_the_same_text_each_by_its_own_tokenizer_and_head(models):
    first, second = map(Candidate.load, models)
    text = first.text_of(12)
    assert [type(each.model).__name__ for each in (first, second)] == [
        "BertForMaskedLM",
        "BertForSequenceClassification",
    ]
    assert first.read(text, 2)["input_ids"].shape == (2, 12)
    ids = second.tokenizer(text)["input_ids"]
    assert second.read(text, 1)["input_ids"].tolist() == [ids]


def test_two_models_of_one_name_are_told_apart_by_their_paths(models, tmp_path, cased_tokenizer):
    other = save_encoder(tmp_path / "student", cased_tokenizer, layers=2)
    text = BenchmarkRun([models[0], other], batch_sizes=(1,), lengths=(8,), rounds=1).run()
    assert text.count("…") == 4


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"devices": ["gpu"]}, "--device is 'gpu', which is none on this machine"),
        ({"lengths": (8, 1000)}, "--length is 1000, but '.*student' reads"),
        ({"rounds": 0}, "--rounds must be a whole number from 1 on, got 0"),
        ({"batch_sizes": (0,)}, "--batch-size must be a whole number"),
    ],
)
def test_what_cannot_be_measured_is_said_before(models, changes, says):
    with pytest.raises(ValueError, match=says):
        BenchmarkRun(models, **changes).run()


def test_a_model_is_not_compared_with_itself(models):
    with pytest.raises(ValueError, match="named twice"):
        BenchmarkRun([models[0]] * 2, rounds=1).run()
