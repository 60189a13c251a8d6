"""Models that cannot be loaded, or are for something else: one line that names them, and none of their code runs."""

import json
import os
import pickle
import shutil

import pytest
import torch
import transformers

from helpers.models import tiny_bert
from hf_multiteacher.models.student import student_from_teacher
from hf_multiteacher.models.task import MASKED_LM
from hf_multiteacher.recipes.comparison.comparison import load_models
from hf_multiteacher.recipes.data.task_data import TaskData
from hf_multiteacher.recipes.demo.demo import labelled_data
from hf_multiteacher.recipes.pretrained import Pretrained, expect_teachers, load_for_labels
from hf_multiteacher.romanian.loading import load_task
from hf_multiteacher.teachers import TeacherEnsemble


class Bomb:
    """What an unpickler would run."""

    def __reduce__(self):
        return os.mkdir, ("ran",)


def truncate(folder):
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def no_weights(folder):
    (folder / "model.safetensors").unlink()


def garbage(folder):
    no_weights(folder)
    (folder / "pytorch_model.bin").write_bytes(b"garbage" * 100)


def pickled(folder):
    no_weights(folder)
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps({"weight": Bomb()}, protocol=2))


def zipped(folder):
    no_weights(folder)
    torch.save({"weight": Bomb()}, folder / "pytorch_model.bin")


def wrong_index(folder):
    model = tiny_bert("MaskedLM")
    no_weights(folder)
    model.save_pretrained(folder, max_shard_size="20KB")
    index = json.loads((folder / "model.safetensors.index.json").read_text())
    index["weight_map"][next(iter(index["weight_map"]))] = "gone.safetensors"
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def no_json(folder):
    (folder / "config.json").write_text("{model_type: bert")


def adapter_without_base(folder):
    shutil.rmtree(folder)
    folder.mkdir()
    (folder / "adapter_config.json").write_text('{"peft_type": "LORA", "base_model_name_or_path": null}')


def other_size(folder):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "intermediate_size": 24}))


BROKEN = [truncate, no_weights, garbage, pickled, zipped, wrong_index, no_json, adapter_without_base, other_size]


def as_teacher(folder, head="MaskedLM"):
    return TeacherEnsemble.load(str(folder), student=tiny_bert(head), student_tokenizer=None)


def as_compared(folder):
    return load_models(str(folder), [str(folder)], "token-classification")


def as_first_teacher(folder):
    return expect_teachers([str(folder)], MASKED_LM)


def as_pretrained(folder):
    Pretrained.find(str(folder), "Student").expect_to_learn([TaskData.of(load_task("di", "synthetic"))])


def as_encoder(folder):
    return labelled_data("xpos", 8, 0).load_model(folder)


WAYS = [student_from_teacher, as_teacher, as_first_teacher, as_compared, as_pretrained, as_encoder]


@pytest.fixture
def folder(tmp_path, cased_tokenizer, monkeypatch):
    path = tmp_path / "model"
    tiny_bert("MaskedLM").save_pretrained(path)
    cased_tokenizer.save_pretrained(path)
    monkeypatch.chdir(tmp_path)
    return path


@pytest.mark.usefixtures("few_sentences")
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_model_is_one_line_that_names_it(folder, tmp_path, broken, way):
    broken(folder)
    with pytest.raises(ValueError, match="model'") as error:
        way(folder)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 900
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("broken", [garbage, pickled, zipped])
def test_a_pickle_is_told_to_be_converted(folder, broken):
    broken(folder)
    with pytest.raises(ValueError, match="damaged, or pickles more than tensors.*convert it to safetensors"):
        student_from_teacher(folder)


def save(folder, head, **config):
    tiny_bert(head, **config).save_pretrained(folder)


@pytest.mark.parametrize("head", ["TokenClassification", "QuestionAnswering", "MultipleChoice"])
def test_a_model_that_was_fine_tuned_for_another_task_is_refused_by_name(folder, head):
    save(folder, head, num_labels=2)
    with pytest.raises(ValueError, match=f"The model is to learn sequence-classification, but it is a BertFor{head}"):
        load_for_labels(str(folder), "The model", ["a", "b"], tagging=False)


@pytest.mark.parametrize(
    ("config", "names", "refused"),
    [
        ({"num_labels": 3}, ["a", "b"], "the 2 labels .* was fine-tuned for the 3 labels"),
        ({"num_labels": 2}, ["a", "b"], None),
        ({"id2label": {0: "A", 1: "b "}}, ["a", "b"], None),
        ({"id2label": {0: "b", 1: "a"}}, ["a", "b"], "its head would be misread"),
        ({"id2label": {0: "neg", 1: "pos"}}, ["a", "b"], "its head would be misread"),
        ({"num_labels": 2}, None, "one number, but was fine-tuned for the 2 labels"),
        ({"num_labels": 1}, None, None),
        ({"num_labels": 1}, ["a", "b"], "the 2 labels .* was fine-tuned for one number"),
    ],
)
def test_a_head_for_other_labels_is_refused_and_one_for_the_same_is_kept(folder, config, names, refused):
    if "id2label" in config:
        config["label2id"] = {name: number for number, name in config["id2label"].items()}
    save(folder, "SequenceClassification", **config)
    if refused:
        with pytest.raises(ValueError, match=refused):
            load_for_labels(str(folder), "The model", names, tagging=False)
        return

    saved = transformers.BertForSequenceClassification.from_pretrained(folder)
    loaded = load_for_labels(str(folder), "The model", names, tagging=False)
    assert torch.equal(loaded.classifier.weight, saved.classifier.weight)


@pytest.mark.parametrize("base", ["MaskedLM", "PreTraining", "NextSentencePrediction", None])
def test_a_new_head_is_normal_for_a_pretrained_model(folder, base):
    config = tiny_bert("MaskedLM").config
    model = transformers.BertModel(config) if base is None else getattr(transformers, f"BertFor{base}")(config)
    model.save_pretrained(folder)
    encoder = model if base is None else model.bert
    loaded = load_for_labels(str(folder), "The model", ["a", "b"], tagging=True)
    assert torch.equal(loaded.bert.embeddings.word_embeddings.weight, encoder.embeddings.word_embeddings.weight)


def test_an_encoder_that_is_not_all_there_is_refused(folder):
    model = tiny_bert("MaskedLM")
    weights = {name: weight for name, weight in model.state_dict().items() if "layer.1" not in name}
    model.save_pretrained(folder, state_dict=weights)
    for load in (lambda: load_for_labels(str(folder), "The model", None, tagging=False), lambda: as_encoder(folder)):
        with pytest.raises(ValueError, match=r"no weights in its file for bert.encoder.layer.1.*would be random"):
            load()
    with pytest.raises(ValueError, match="would be random"):
        student_from_teacher(folder)


@pytest.mark.parametrize("head", ["QuestionAnswering", "MultipleChoice"])
def test_a_student_does_not_get_a_random_head_in_place_of_another_one(folder, head):
    save(folder, head)
    with pytest.raises(ValueError, match=f"is a BertFor{head}, whose head no student can have"):
        student_from_teacher(folder)


def test_a_teacher_whose_head_has_another_size_than_it_says_is_told_which(folder):
    save(folder, "TokenClassification", num_labels=3)
    config = json.loads((folder / "config.json").read_text())
    names = {"id2label": {0: "a", 1: "b"}, "label2id": {"a": 0, "b": 1}}
    (folder / "config.json").write_text(json.dumps(config | names))
    with pytest.raises(ValueError, match=r"Teacher 'model' .*classifier.bias, classifier.weight.*another size"):
        as_teacher(folder, "TokenClassification")


def test_masked_lm_teachers_are_refused_before_the_corpus_is_read(folder, tmp_path):
    from hf_multiteacher.recipes.configuration.configuration import read_config
    from hf_multiteacher.recipes.distillation import plan
    from hf_multiteacher.recipes.terminal.progress import Progress

    save(folder, "TokenClassification")
    file = tmp_path / "run.yaml"
    file.write_text(f"corpus: {tmp_path}/nowhere\nteachers: [{folder}]\noutput_dir: {tmp_path}/out\nuse_cpu: true\n")
    with pytest.raises(ValueError, match="Teacher 'model' must have a head for masked-lm"):
        plan(*read_config([str(file)])).prepare(Progress(3))
