"""Labelled examples: their columns, their windows, and the model that fits them."""

import pytest

from helpers.saved_encoders import save_encoder
from hf_multiteacher.recipes.labelled_data import LabelledData
from hf_multiteacher.romanian.loading import load_task


def test_long_sentences_of_tagging_become_windows_and_keep_their_number(ner, cased_tokenizer):
    whole = LabelledData.from_task(ner, [cased_tokenizer], 128)
    cut = LabelledData.from_task(ner, [cased_tokenizer], 16)
    assert len(whole.test) == len(ner.data["test"]) < len(cut.test)
    assert set(cut.test["sentence"]) == set(range(len(ner.data["test"])))
    assert cut.columns == {"words": "words", "labels": "labels"}


@pytest.mark.parametrize(
    ("key", "head"),
    [("upos", "TokenClassification"), ("di", "SequenceClassification"), ("sts", "SequenceClassification")],
)
def test_a_model_gets_the_head_and_the_labels_of_the_data(tmp_path, cased_tokenizer, key, head):
    task = load_task(key, "synthetic")
    data = LabelledData.from_task(task, [cased_tokenizer], 64)
    model = data.load_model(save_encoder(tmp_path, cased_tokenizer))
    assert type(model).__name__ == f"BertFor{head}"
    assert model.config.num_labels == len(task.label_names or [0])
    assert (model.config.problem_type == "regression") == (key == "sts")
    if task.label_names:
        assert [model.config.id2label[number] for number in range(len(task.label_names))] == list(task.label_names)
