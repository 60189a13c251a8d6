"""Labelled examples: their columns, their windows, and the model that fits them."""

import copy

import pytest
from tokenizers import pre_tokenizers

from helpers.saved_encoders import save_encoder
from hf_multiteacher.recipes.data.labelled_data import LabelledData
from hf_multiteacher.recipes.data.task_data import TaskData
from hf_multiteacher.romanian.loading import load_task
from hf_multiteacher.tokenization.encoder import Encoder


def test_long_sentences_of_tagging_become_windows_and_keep_their_number(ner, cased_tokenizer):
    whole = LabelledData.of(TaskData.of(ner), [cased_tokenizer], 128)
    cut = LabelledData.of(TaskData.of(ner), [cased_tokenizer], 16)
    assert len(whole.test) == len(ner.data["test"]) < len(cut.test)
    assert set(cut.test["sentence"]) == set(range(len(ner.data["test"])))
    assert cut.columns == {"words": "words", "labels": "labels"}


def test_windows_fit_tokenizers_that_need_a_space_before_each_word_and_leave_no_trace(ner, byte_level_tokenizer):
    tokenizer = copy.deepcopy(byte_level_tokenizer)
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.backend_tokenizer.enable_truncation(99)
    train = LabelledData.of(TaskData.of(ner), [tokenizer], 24).train
    assert tokenizer.backend_tokenizer.truncation["max_length"] == 99
    for words in train["words"][:40]:
        ids = Encoder([tokenizer]).encode([[words]], True, False, None).columns["input_ids"][0]
        assert len(ids) <= 24 or len(words) == 1


@pytest.mark.parametrize(
    ("key", "head"),
    [("upos", "TokenClassification"), ("di", "SequenceClassification"), ("sts", "SequenceClassification")],
)
def test_a_model_gets_the_head_and_the_labels_of_the_data(tmp_path, cased_tokenizer, key, head):
    task = load_task(key, "synthetic")
    data = LabelledData.of(TaskData.of(task), [cased_tokenizer], 64)
    model = data.load_model(save_encoder(tmp_path, cased_tokenizer))
    assert type(model).__name__ == f"BertFor{head}"
    assert model.config.num_labels == len(task.label_names or [0])
    assert (model.config.problem_type == "regression") == (key == "sts")
    if task.label_names:
        assert [model.config.id2label[number] for number in range(len(task.label_names))] == list(task.label_names)
