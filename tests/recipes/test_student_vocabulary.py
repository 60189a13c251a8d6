"""Through which tokenizer the student of a configuration reads."""

import logging

import pytest

from helpers.tokenizers import SENTENCES
from hf_multiteacher import trim_tokenizer
from hf_multiteacher.recipes.student_vocabulary import find_student_tokenizer, is_trimmed

TEXTS = SENTENCES[:3]


@pytest.mark.parametrize(
    ("vocabulary", "trimmed"), [("teacher", False), ("trim", True), ({"size": 9}, True), ("folder", False)]
)
def test_only_what_is_trimmed_needs_the_corpus(vocabulary, trimmed):
    assert is_trimmed(vocabulary) == trimmed


def test_the_teachers_is_no_own_one(cased_tokenizer):
    assert find_student_tokenizer("teacher", cased_tokenizer, []) is None


@pytest.mark.parametrize(("vocabulary", "size"), [("trim", None), ({"size": 80}, 80)])
def test_a_trimmed_one_has_the_pieces_of_the_corpus(cased_tokenizer, vocabulary, size, caplog):
    caplog.set_level(logging.INFO)
    found = find_student_tokenizer(vocabulary, cased_tokenizer, TEXTS)
    assert found.get_vocab() == trim_tokenizer(cased_tokenizer, TEXTS, size=size).get_vocab()
    assert f"entries {len(found)}, copied {len(found)}, averaged 0, left 0, copied_share 1" in caplog.text


def test_another_one_is_loaded(cased_tokenizer, uncased_tokenizer, tmp_path):
    uncased_tokenizer.save_pretrained(tmp_path)
    found = find_student_tokenizer(str(tmp_path), cased_tokenizer, [])
    assert found.get_vocab() == uncased_tokenizer.get_vocab()


def test_one_that_is_not_there_is_refused(cased_tokenizer, tmp_path):
    with pytest.raises(ValueError, match="Student vocabulary 'nowhere'"):
        find_student_tokenizer("nowhere", cased_tokenizer, [])
