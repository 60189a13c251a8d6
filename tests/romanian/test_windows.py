"""Long sentences: every word is predicted once, whatever the tokenizer and the limit."""

import logging
from copy import deepcopy

import numpy as np
import pytest
from datasets import Dataset
from hypothesis import given
from hypothesis import strategies as st

from hf_multiteacher.romanian.loading import load_task
from hf_multiteacher.romanian.windows import IGNORED, cut_windows, merge_windows, split_long_sentences

TOKENIZERS = ["cased_tokenizer", "uncased_tokenizer", "byte_level_tokenizer", "unigram_tokenizer"]


@given(st.lists(st.integers(0, 12), max_size=60), st.integers(1, 40))
def test_windows_predict_every_word_once_and_fit(lengths, room):
    windows = cut_windows(lengths, room)
    assert [i for w in windows for i in range(w.first, w.last)] == list(range(len(lengths)))
    for window in windows:
        assert window.start <= window.first <= window.last <= window.stop
        alone = window.stop - window.start == 1
        assert sum(lengths[window.start : window.stop]) <= room or alone


def test_a_sentence_that_fits_is_one_window():
    assert len(cut_windows([2] * 10, 20)) == 1
    assert len(cut_windows([2] * 10, 19)) == 2


def test_a_word_at_the_edge_of_a_window_has_context_on_both_sides():
    windows = cut_windows([1] * 1000, room=80)
    for before, after in zip(windows, windows[1:], strict=False):
        assert before.stop - before.last == 10 and after.first - after.start == 10
    assert len(windows) < 1000 / 60 + 1


def as_predicted(tokenizer, windows, max_length):
    """What a model run gives: token labels as in training (first token of each word), and a prediction per token.

    The stand-in for a model predicts, at the first token of a word, the number that the word is.
    """
    labels, predictions = [], []
    for words, asked in zip(windows["words"], windows["labels"], strict=True):
        encoding = tokenizer(words, is_split_into_words=True, truncation=True, max_length=max_length)
        row, previous = [], None
        for word in encoding.word_ids():
            row.append(asked[word] if word is not None and word != previous else IGNORED)
            previous = word
        labels.append(row + [IGNORED] * (max_length - len(row)))
        predictions.append([value * 2 for value in row] + [-7] * (max_length - len(row)))
    return np.array(predictions), np.array(labels)


@pytest.mark.parametrize("name", TOKENIZERS)
@pytest.mark.parametrize("max_length", [8, 24])
def test_every_word_gets_a_prediction_with_every_tokenizer(request, name, max_length):
    tokenizer = request.getfixturevalue(name)
    sentences = load_task("upos", "synthetic").data["validation"]["words"][:30]
    sentences += [["Constantinopolitanilor" * 9, "da"], ["un"], ["a", "\u0007", "b"], ["\u200b"]]
    numbered = [list(range(len(words))) for words in sentences]
    windows = split_long_sentences(
        Dataset.from_dict({"words": sentences, "labels": numbered}), [tokenizer], max_length
    )
    predictions, labels = as_predicted(tokenizer, windows, max_length)
    assert merge_windows(windows["sentence"], predictions, labels) == [[2 * i for i in row] for row in numbered]


def test_a_word_that_any_tokenizer_drops_is_visible_to_all(request):
    tokenizers = [request.getfixturevalue(name) for name in TOKENIZERS]
    data = Dataset.from_dict({"words": [["a", "\u200b", "\u0007", "b"], []], "labels": [[0] * 4, []]})
    (words,) = (row["words"] for row in split_long_sentences(data, tokenizers, 64) if row["words"])
    for tokenizer in tokenizers:
        assert {*tokenizer(words, is_split_into_words=True).word_ids()} >= {0, 1, 2, 3}


def test_windows_fit_all_tokenizers_together(request):
    tokenizers = [request.getfixturevalue(name) for name in TOKENIZERS]
    data = load_task("ner", "synthetic").data["validation"].select(range(40))
    for row in split_long_sentences(data, tokenizers, 24):
        for tokenizer in tokenizers:
            assert len(tokenizer(row["words"], is_split_into_words=True)["input_ids"]) <= 24 or len(row["words"]) == 1


def test_short_sentences_stay_as_they_are(cased_tokenizer):
    data = load_task("ner", "synthetic").data["validation"].select(range(40))
    windows = split_long_sentences(data, [cased_tokenizer], 512)
    assert windows["words"][:] == data["words"][:] and windows["labels"][:] == data["labels"][:]
    assert windows["sentence"][:] == list(range(40))


def test_a_sentence_that_is_cut_is_not_said_to_be_too_long(cased_tokenizer, caplog, monkeypatch):
    tokenizer = deepcopy(cased_tokenizer)
    tokenizer.model_max_length = 8
    monkeypatch.setattr(logging.getLogger("transformers"), "propagate", True)
    split_long_sentences(Dataset.from_dict({"words": [["mere"] * 40], "labels": [[0] * 40]}), [tokenizer], 8)
    assert not caplog.records
    tokenizer("mere " * 40)
    assert "Token indices sequence length" in caplog.text, "the test would see it"


def test_a_limit_without_room_is_refused(cased_tokenizer):
    data = load_task("ner", "synthetic").data["validation"].select(range(2))
    with pytest.raises(ValueError, match="max_length=2 holds none"):
        split_long_sentences(data, [cased_tokenizer], 2)


@pytest.mark.real_data
@pytest.mark.parametrize("key", ["upos", "ner"])
def test_every_word_of_the_real_data_gets_a_prediction(romanian_data, cased_tokenizer, uncased_tokenizer, key):
    data = load_task(key, romanian_data).data["validation"]
    windows = split_long_sentences(data, [cased_tokenizer, uncased_tokenizer], 64)
    assert len(windows) > len(data)
    predictions, labels = as_predicted(cased_tokenizer, windows, 64)
    merged = merge_windows(windows["sentence"], predictions, labels)
    assert merged == [[2 * label for label in row] for row in data["labels"]]
