"""Words that come as a list, and tokenizers that mark spaces instead of their starts."""

import copy

import numpy as np
import pytest
from tokenizers import normalizers, pre_tokenizers

from hf_multiteacher.tokenization.encoder import Encoder
from hf_multiteacher.tokenization.multi_tokenizer import MultiTokenizer
from hf_multiteacher.tokenization.words import spaced_words

WORDS = ["Fata", "citește", "", "o", "carte", ",", "ne-am"]


def changed(tokenizer, **steps):
    """A copy with another normaliser or pre-tokenizer."""
    other = copy.deepcopy(tokenizer)
    for name, step in steps.items():
        setattr(other.backend_tokenizer, name, step)
    return other


@pytest.fixture
def unprefixed(byte_level_tokenizer):
    return changed(byte_level_tokenizer, pre_tokenizer=pre_tokenizers.ByteLevel(add_prefix_space=False))


@pytest.fixture
def like_gemma(unigram_tokenizer):
    """Spaces become a mark in the normaliser, and no word gets one in front."""
    steps = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(" ", "▁")])
    return changed(
        unigram_tokenizer, normalizer=steps, pre_tokenizer=pre_tokenizers.Split(" ", "merged_with_previous")
    )


@pytest.mark.parametrize("name", ["cased_tokenizer", "uncased_tokenizer", "byte_level_tokenizer", "unigram_tokenizer"])
def test_tokenizers_that_mark_every_word_get_the_words_as_they_are(request, name):
    assert spaced_words(request.getfixturevalue(name), [WORDS]) == [WORDS]


def test_a_byte_level_tokenizer_reads_words_as_if_it_added_the_space(unprefixed, byte_level_tokenizer):
    glued = unprefixed(WORDS, is_split_into_words=True, add_special_tokens=False)["input_ids"]
    assert " " not in unprefixed.decode(glued)
    encoded = Encoder([unprefixed]).encode([[WORDS]], True, True, None)
    expected = byte_level_tokenizer(WORDS, is_split_into_words=True)
    assert encoded.columns["input_ids"] == [expected["input_ids"]]
    assert encoded.encodings[0].word_ids == expected.word_ids()


@pytest.mark.parametrize("name", ["unprefixed", "like_gemma"])
def test_words_are_read_as_in_running_text(request, name):
    tokenizer = request.getfixturevalue(name)
    spaced = spaced_words(tokenizer, [WORDS])
    ids = tokenizer(spaced, is_split_into_words=True, add_special_tokens=False)["input_ids"][0]
    assert ids == tokenizer(" Fata citește o carte , ne-am", add_special_tokens=False)["input_ids"]


def test_words_that_bring_their_own_space_get_no_second(unprefixed):
    assert spaced_words(unprefixed, [[" Ana", "are"]]) == [[" Ana", " are"]]


@pytest.mark.parametrize("student_is_unprefixed", [True, False])
def test_labels_stand_on_the_first_token_of_their_words(unprefixed, cased_tokenizer, student_is_unprefixed):
    pair = [unprefixed, cased_tokenizer]
    student, teacher = pair if student_is_unprefixed else pair[::-1]
    labels = [[*range(len(WORDS))]]
    made = MultiTokenizer(student, [teacher]).encode({"w": [WORDS], "y": labels}, words="w", labels="y")
    kept = [label for label in made["labels"][0] if label != -100]
    assert kept == [0, 1, 3, 4, 5, 6]  # the empty word has no token
    numbers, spans = np.array(made["labels"][0]), np.array(made["teacher_0_student_spans"][0])
    assert (spans[numbers != -100] == kept).all()


def test_a_tokenizer_that_drops_spaces_before_words_and_marks_nothing_is_refused(unprefixed, cased_tokenizer):
    deaf = changed(unprefixed, normalizer=normalizers.Strip())
    multi = MultiTokenizer(cased_tokenizer, [cased_tokenizer, deaf])
    with pytest.raises(ValueError, match="that of teacher 1 .* one long word. Load it with .*add_prefix_space=True"):
        multi.encode({"w": [WORDS]}, words="w")
    assert multi.encode({"s": ["Fata"]}, text="s")["input_ids"]
