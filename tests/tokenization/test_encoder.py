"""One tokenizer's encoding: what counts for equality, and where its tokens stand."""

import copy

import numpy as np
import pytest
from tokenizers import decoders, normalizers
from transformers import CanineTokenizer

from helpers.tokenizers import train_tokenizer
from hf_multiteacher.tokenization.encoder import Encoder, cut_rows, require_fast, tokenizer_fingerprint


def test_settings_that_change_no_id_leave_the_fingerprint_alone(cased_tokenizer):
    other = copy.deepcopy(cased_tokenizer)
    other("Fata", truncation=True, padding="max_length", max_length=9)
    other.backend_tokenizer.decoder = decoders.Fuse()
    other.model_max_length = 3
    other.padding_side = "left"
    assert tokenizer_fingerprint(other) == tokenizer_fingerprint(cased_tokenizer)


@pytest.mark.parametrize("role", ["pad", "unk", "mask", "cls", "sep"])
def test_the_role_of_a_special_token_counts(cased_tokenizer, role):
    other = copy.deepcopy(cased_tokenizer)
    setattr(other, f"{role}_token", "o")
    assert tokenizer_fingerprint(other) != tokenizer_fingerprint(cased_tokenizer)


def test_vocabularies_and_normalisers_count(sentences, cased_tokenizer, uncased_tokenizer):
    lowercase = copy.deepcopy(cased_tokenizer)
    lowercase.backend_tokenizer.normalizer = normalizers.Lowercase()
    larger = train_tokenizer("wordpiece", sentences, 301)
    tokenizers = (cased_tokenizer, uncased_tokenizer, lowercase, larger)
    assert len({tokenizer_fingerprint(tokenizer) for tokenizer in tokenizers}) == 4


def test_a_slow_tokenizer_is_refused():
    with pytest.raises(TypeError, match="that of teacher 3 is a CanineTokenizer.*offsets.*AutoTokenizer.*convert"):
        require_fast("teacher 3", CanineTokenizer())


def test_words_are_counted_over_all_examples(cased_tokenizer):
    words = [["Fata", "doarme"], [], ["", "o"]]
    encoded = Encoder([cased_tokenizer]).encode([words], True, True, None)
    numbers = encoded.word_numbers(np.array([2, 0, 2]))
    expected = [
        [-1 if word is None else start + word for word in encoding.word_ids]
        for start, encoding in zip([0, 2, 2], encoded.encodings, strict=True)
    ]
    assert cut_rows(numbers, encoded.columns["input_ids"]) == expected
    assert expected[2] == [-1, 3, -1]
    labels = encoded.first_token_labels(np.array([5, 6, 7, 8]), np.array([2, 0, 2]))
    assert [[label for label in row if label != -100] for row in labels] == [[5, 6], [], [8]]


def test_texts_are_counted_over_all_examples(cased_tokenizer):
    encoded = Encoder([cased_tokenizer]).encode([["a", "", "a"], ["a", "a", ""]], False, True, None)
    offsets, texts = encoded.tokenization(2)
    assert texts.tolist() == [-1, 0, -1, 1, -1, -1, -1, 3, -1, -1, 4, -1, -1]
    assert offsets[1].tolist() == [0, 1]
