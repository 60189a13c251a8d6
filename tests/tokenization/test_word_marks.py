"""Which tokens make up one word, told from the tokens alone."""

import numpy as np
import pytest
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast

from hf_multiteacher.tokenization import MultiTokenizer
from hf_multiteacher.tokenization.word_marks import WordMarks, word_starts

TEXT = "Ana-Maria n-a citit  cartea, azi."


def numbers_of(tokenizer, text=TEXT):
    ids = np.array([[*tokenizer(text)["input_ids"], tokenizer.pad_token_id]])
    mask = np.ones_like(ids)
    mask[:, -1] = 0
    return tokenizer.convert_ids_to_tokens(ids[0]), WordMarks(tokenizer).number(ids, mask)[0].tolist()


def test_special_tokens_and_padding_are_no_words(cased_tokenizer):
    _, numbers = numbers_of(cased_tokenizer)
    assert numbers[0] == numbers[-2] == numbers[-1] == -1
    assert numbers[1:-2] == sorted(numbers[1:-2]) and numbers[1] == 0


def test_a_wordpiece_word_goes_on_where_its_tokens_say_so(cased_tokenizer):
    tokens, numbers = numbers_of(cased_tokenizer)
    for place in range(2, len(tokens) - 2):
        assert (numbers[place] == numbers[place - 1]) == tokens[place].startswith("##")


@pytest.mark.parametrize("kind", ["byte_level", "unigram"])
def test_other_words_go_on_to_the_next_white_space(kind, request):
    tokenizer = request.getfixturevalue(f"{kind}_tokenizer")
    tokens, numbers = numbers_of(tokenizer)
    assert numbers[-3] + 1 == len(TEXT.split())
    rebuilt = {}
    for token, number in zip(tokens, numbers, strict=True):
        rebuilt[number] = rebuilt.get(number, "") + token.strip("Ġ▁")
    assert rebuilt[0].endswith("na-Maria") and rebuilt[len(TEXT.split()) - 1] == "azi."


def test_a_lone_mark_of_a_space_belongs_to_the_word_after_it(unigram_tokenizer):
    mark, letter = unigram_tokenizer.convert_tokens_to_ids(["▁", "a"])
    ids = np.array([[letter, mark, letter, letter]])
    assert WordMarks(unigram_tokenizer).number(ids, np.ones_like(ids)).tolist() == [[0, 1, 1, 1]]


@pytest.mark.parametrize("kind", ["cased", "byte_level", "unigram"])
def test_words_start_where_labels_of_words_stand(kind, request):
    tokenizer = request.getfixturevalue(f"{kind}_tokenizer")
    words = {"words": [["Fetele", "citeau", "cartea", "însemnărilor", "."]], "labels": [[1, 1, 1, 1, 1]]}
    row = MultiTokenizer(tokenizer, [tokenizer]).encode(words, words="words", labels="labels")
    begins = np.unpackbits(np.frombuffer(word_starts(tokenizer), np.uint8)).astype(bool)
    assert begins[row["input_ids"][0]].tolist() == [label == 1 for label in row["labels"][0]]
    assert len(row["input_ids"][0]) > 7, "words are cut into pieces, and there are special tokens"


def test_a_word_that_wordpiece_does_not_know_starts_too(cased_tokenizer):
    begins = np.unpackbits(np.frombuffer(word_starts(cased_tokenizer), np.uint8)).astype(bool)
    assert begins[cased_tokenizer("漢")["input_ids"]].tolist() == [False, True, False]


def test_a_tokenizer_that_marks_no_beginnings_tells_none():
    plain = Tokenizer(models.BPE(vocab={"a": 0, "b": 1}, merges=[]))
    assert word_starts(PreTrainedTokenizerFast(tokenizer_object=plain)) is None
