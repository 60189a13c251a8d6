"""Configurations that are broken, each in its own way: what stands in the way is told with the remedy."""

import json
import shutil

import pytest
import torch
import yaml
from transformers import AutoModelForSequenceClassification

from helpers.saved_classifiers import save_classifier
from helpers.saved_encoders import save_encoder
from helpers.tokenizers import train_tokenizer
from hf_multiteacher.commands.main import main

CRITICS = {"task": "text-classification", "data": "reviews.csv", "teachers": ["critic-0", "critic-1"]}
TEXT = {"corpus": "corpus.txt", "held_out": 5, "teachers": ["encoder-0", "encoder-1"]}
COMMON = {"max_steps": 3, "use_cpu": True, "per_device_train_batch_size": 4, "output_dir": "out"}


@pytest.fixture(scope="module")
def world(tmp_path_factory, cased_tokenizer, uncased_tokenizer, sentences):
    """A folder with data, encoders and classifiers."""
    folder = tmp_path_factory.mktemp("world")
    for number, tokenizer in enumerate((cased_tokenizer, uncased_tokenizer)):
        save_classifier(
            folder / f"critic-{number}", tokenizer, "SequenceClassification", "xy"[:: 1 - 2 * number], number
        )
        save_encoder(folder / f"encoder-{number}", tokenizer, seed=number)

    texts = sentences[:40]
    write_csv(folder / "reviews.csv", [(text, "xy"[number % 2]) for number, text in enumerate(texts)])
    write_csv(folder / "other_labels.csv", [(text, "ab"[number % 2]) for number, text in enumerate(texts)])
    write_csv(folder / "foreign.csv", [("字 字 字 字 字", "xy"[number % 2]) for number in range(40)])
    half = [(f"字 字 字 {text}" if number % 2 else text, "xy"[number % 2]) for number, text in enumerate(texts)]
    write_csv(folder / "half_foreign.csv", half)
    (folder / "corpus.txt").write_text("\n".join(texts), encoding="utf-8")
    (folder / "file").touch()
    return folder


def write_csv(path, rows):
    path.write_text("\n".join(["text,label", *(f'"{text}",{label}' for text, label in rows)]), encoding="utf-8")


@pytest.fixture
def doctor(world, tmp_path, monkeypatch, capsys):
    """Calls the command on a configuration; returns the exit code and the findings by topic."""
    monkeypatch.chdir(world)

    def doctor(settings, **changes):
        (tmp_path / "config.yaml").write_text(yaml.safe_dump(COMMON | settings | changes), encoding="utf-8")
        code = main(["doctor", str(tmp_path / "config.yaml"), "--json", str(tmp_path / "found.json")])
        findings = json.loads((tmp_path / "found.json").read_text())["findings"]
        printed = capsys.readouterr().out
        assert all(each["topic"] in printed for each in findings)
        return code, {each["topic"]: each for each in findings}

    return doctor


def files_in(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


def test_a_sound_configuration_is_code_0_and_nothing_is_left(doctor, world):
    before = files_in(world)
    code, found = doctor(CRITICS, teacher_cache="cache", save_strategy="steps", save_steps=1)
    assert code == 0 and {each["level"] for each in found.values()} <= {"ok", "warning"}
    assert files_in(world) == before
    assert found["time"]["figures"]["steps"] == 3 and found["cache disk"]["figures"]["cache_disk_bytes"] > 0


@pytest.mark.parametrize(("data", "code"), [("reviews.csv", 0), ("other_labels.csv", 1)])
def test_an_output_folder_that_is_not_empty_is_a_warning_and_stays_as_it_is(doctor, tmp_path, data, code):
    (tmp_path / "full").mkdir()
    (tmp_path / "full/mine.txt").write_text("mine")
    found_code, found = doctor(CRITICS, data=data, output_dir=str(tmp_path / "full"))
    folder = found["output folder"]
    assert (found_code, folder["level"]) == (code, "warning") and folder["says"].startswith("distill will refuse it")
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["mine.txt"]


def test_teachers_that_learn_first_are_tried_too(doctor, world):
    encoders = {**CRITICS, "teachers": ["encoder-0", "encoder-1"], "fine_tune_teachers": True}
    before = files_in(world)
    code, found = doctor(encoders)
    assert code == 0 and files_in(world) == before
    parts = [found[f"time{whose}"]["figures"] for whose in (", teacher 1", ", teacher 2", "")]
    seconds = sum(value for part in parts for name, value in part.items() if name.split("/")[-1] == "seconds")
    preparing = found["configuration"]["figures"]["preparing_seconds"]
    assert found["time in all"]["figures"]["seconds_in_all"] == pytest.approx(seconds + preparing)


def test_labels_that_the_teachers_do_not_know(doctor):
    code, found = doctor(CRITICS, data="other_labels.csv")
    assert code == 1 and found["configuration"]["level"] == "stop" and "'a'" in found["configuration"]["says"]


def test_a_teacher_without_a_head(doctor):
    code, found = doctor(CRITICS, teachers=["encoder-0"])
    assert code == 1 and "fine_tune_teachers" in found["configuration"]["says"]


def test_a_column_that_is_not_there(doctor):
    code, found = doctor(CRITICS, label_column="stars")
    assert code == 1 and "stars" in found["configuration"]["says"] and "label" in found["configuration"]["says"]


def test_vocabularies_without_a_common_word(doctor, tmp_path):
    greek = train_tokenizer("wordpiece", ["αβγ δεζ ηθι", "κλμ νξο πρσ"] * 5, 60)
    code, found = doctor(TEXT, teachers=["encoder-0", save_encoder(tmp_path / "greek", greek, seed=3)])
    assert code == 1
    assert found["unknown words"]["level"] == "stop" and "take another model" in found["unknown words"]["do"]
    assert found["vocabulary"]["level"] == "stop" and "nearer" in found["vocabulary"]["do"]


def test_texts_that_are_all_cut(doctor):
    code, found = doctor(CRITICS, max_length=5)
    assert code == 0 and found["length"]["level"] == "warning" and "larger max_length" in found["length"]["do"]


def test_text_of_which_nothing_is_known(doctor):
    code, found = doctor(CRITICS, data="foreign.csv")
    assert code == 1 and "knows no word" in found["configuration"]["says"]


def test_text_of_which_a_part_is_not_known(doctor):
    code, found = doctor(CRITICS, data="half_foreign.csv")
    assert (
        code == 0
        and found["unknown words"]["level"] == "warning"
        and "as its tokenizer" in found["unknown words"]["do"]
    )


def test_a_teacher_whose_weights_are_nan(doctor, world, tmp_path):
    shutil.copytree(world / "critic-1", tmp_path / "broken")
    model = AutoModelForSequenceClassification.from_pretrained(tmp_path / "broken")
    with torch.no_grad():
        model.classifier.bias.fill_(float("nan"))
    model.save_pretrained(tmp_path / "broken")
    code, found = doctor(CRITICS, teachers=["critic-0", str(tmp_path / "broken")])
    assert code == 1 and "'broken' answered NaN" in found["first steps"]["says"]
    assert "teacher_weights" in found["first steps"]["says"]


def test_a_cache_in_a_folder_that_cannot_be_made(doctor):
    code, found = doctor(CRITICS, teacher_cache="file/cache")
    assert code == 1 and found["cache disk"]["level"] == "stop" and "another folder" in found["cache disk"]["do"]


def test_a_disk_that_is_full(doctor, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda place: shutil._ntuple_diskusage(1000, 900, 100))
    code, found = doctor(CRITICS, save_strategy="steps", save_steps=1)
    assert code == 1 and found["output disk"]["level"] == "stop" and "save_total_limit" in found["output disk"]["do"]


def test_a_cache_that_no_epoch_reads_again(doctor):
    code, found = doctor(TEXT, teacher_cache="cache", max_steps=-1, num_train_epochs=2)
    assert code == 0 and found["teacher cache"]["level"] == "warning" and "mask_rounds" in found["teacher cache"]["do"]
