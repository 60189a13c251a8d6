"""Truncation and padding that calls leave in a tokenizer."""

import copy

import pytest
from transformers import PreTrainedTokenizerFast

from hf_multiteacher.tokenization.multi_tokenizer import MultiTokenizer
from hf_multiteacher.tokenization.settings import as_it_came, note, note_as_loaded, unchanged

TEXT = "Fata citește o carte"


@pytest.fixture
def tokenizer(cased_tokenizer):
    return copy.deepcopy(cased_tokenizer)


def settings_of(tokenizer):
    return tokenizer.backend_tokenizer.truncation, tokenizer.backend_tokenizer.padding


def call(tokenizer):
    """As a script does."""
    tokenizer(TEXT, truncation=True, padding="max_length", max_length=9)


def test_settings_stay_whatever_is_called_meanwhile(tokenizer):
    tokenizer.backend_tokenizer.enable_truncation(7)
    tokenizer.backend_tokenizer.enable_padding(length=20, pad_id=3)
    before = settings_of(tokenizer)
    with pytest.raises(KeyError), unchanged(tokenizer):
        tokenizer(TEXT)
        assert settings_of(tokenizer) == (None, None)
        raise KeyError
    assert settings_of(tokenizer) == before


def test_no_method_of_a_multi_tokenizer_leaves_a_trace(tokenizer, uncased_tokenizer, byte_level_tokenizer):
    teachers = [copy.deepcopy(uncased_tokenizer), copy.deepcopy(byte_level_tokenizer)]
    teachers[1].backend_tokenizer.enable_truncation(5)
    before = [settings_of(each) for each in (tokenizer, *teachers)]
    multi = MultiTokenizer(tokenizer, teachers)
    features = [{"input_ids": tokenizer(TEXT)["input_ids"]}]
    multi.encode({"s": [TEXT]}, text="s", max_length=4)
    multi.encode({"w": [TEXT.split()]}, words="w", max_length=4)
    multi.encode_from_tokens(features)
    multi.words_run_together(features)
    assert [settings_of(each) for each in (tokenizer, *teachers)] == before


def test_a_tokenizer_leaves_as_it_came_and_goes_on_as_it_was(tokenizer):
    tokenizer.backend_tokenizer.enable_truncation(7)
    note(tokenizer)
    came = settings_of(tokenizer)
    call(tokenizer)
    note(tokenizer)  # what was noted first counts
    now = settings_of(tokenizer)
    with as_it_came(tokenizer):
        assert settings_of(tokenizer) == came
    assert settings_of(tokenizer) == now != came


def test_a_tokenizer_that_a_script_has_called_is_as_it_was_loaded(tokenizer, tmp_path):
    tokenizer.backend_tokenizer.enable_truncation(7, strategy="only_first")
    tokenizer.save_pretrained(tmp_path)
    loaded = PreTrainedTokenizerFast.from_pretrained(tmp_path)
    came = settings_of(loaded)
    assert came[0]["max_length"] == 7
    call(loaded)
    note_as_loaded(loaded)
    with as_it_came(loaded):
        assert settings_of(loaded) == came


@pytest.mark.parametrize("other", [None, "no tokenizer"])
def test_what_is_no_fast_tokenizer_is_left_alone(other):
    with as_it_came(other):
        note_as_loaded(other)
