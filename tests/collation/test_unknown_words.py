"""Teachers that cannot read their text: how much is unknown to them, and the one warning."""

import logging

import numpy as np
import pytest
from datasets import Dataset
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast

from helpers.tokenizers import train_tokenizer, wordpiece
from hf_multiteacher import DataCollatorForDistillation, MultiTokenizer
from hf_multiteacher.collation.unknown_words import UnknownWords, count_words, expect_known_words

TEXTS = ["Fata citește o carte lungă", "Pisica doarme pe covor, la gară"] * 4


def with_ends():
    """A BPE tokenizer that marks the ends of words."""
    entries = {entry: place for place, entry in enumerate(["<unk>", "a", "b</w>", "a</w>"])}
    inner = Tokenizer(models.BPE(entries, [], unk_token="<unk>", end_of_word_suffix="</w>"))
    return PreTrainedTokenizerFast(tokenizer_object=inner, unk_token="<unk>")


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("cased_tokenizer", "Fata citește o carte", (4, 0)),
        ("cased_tokenizer", "Fata 漢字 o carte漢", (5, 3)),  # a WordPiece tokenizer takes each such sign for a word
        ("unigram_tokenizer", "Fata 漢字 o carte漢", (4, 2)),
        ("byte_level_tokenizer", "Fata 漢字 o carte漢", (4, 0)),
        ("cased_tokenizer", "", (0, 0)),
    ],
)
def test_words_are_counted_and_those_with_an_unknown_token(request, name, text, expected):
    tokenizer = request.getfixturevalue(name)
    words, unknown = count_words(tokenizer, np.array(tokenizer(text)["input_ids"], np.int64))
    assert unknown == expected[1]
    assert words >= expected[0]


def test_words_whose_ends_are_marked_are_counted_too():
    tokenizer = with_ends()
    ids = tokenizer.convert_tokens_to_ids(["a", "b</w>", "a</w>", "<unk>", "a</w>"])
    assert count_words(tokenizer, np.array(ids)) == (3, 1)


def collator_of(student, teacher):
    return DataCollatorForDistillation(MultiTokenizer(student, [teacher]))


def batch_of(collator, texts=TEXTS):
    made = collator.multi_tokenizer.encode({"s": texts}, text="s")
    return [dict(zip(made, row, strict=True)) for row in zip(*made.values(), strict=True)]


@pytest.fixture
def foreign():
    """A tokenizer that knows none of the words."""
    return wordpiece(["x", "[PAD]", "[MASK]"], pad_token="[PAD]", mask_token="[MASK]")


def test_a_teacher_that_reads_mostly_unknown_tokens_is_named_once_with_the_share(cased_tokenizer, foreign, caplog):
    collator = collator_of(cased_tokenizer, foreign)
    features = batch_of(collator)
    with caplog.at_level(logging.WARNING):
        collator(features)
        collator.for_evaluation()(features)
    assert len(caplog.records) == 1
    assert "Teacher 0 reads its unknown token in 100 % of the first words" in caplog.text
    assert "take another one" in caplog.text


def test_a_teacher_with_the_students_tokenizer_is_one_too(foreign, caplog):
    collator = collator_of(foreign, foreign)
    collator(batch_of(collator))
    assert "A teacher with the student's tokenizer reads its unknown token in 100 %" in caplog.text


def test_a_student_alone_with_its_unknown_tokens_is_its_own_business(cased_tokenizer, foreign, caplog):
    collator = collator_of(foreign, cased_tokenizer)
    collator(batch_of(collator))
    assert not caplog.text


def test_the_spelling_with_a_cedilla_is_unknown_to_a_teacher_of_the_comma(sentences, caplog):
    student, teacher = (
        train_tokenizer("wordpiece", texts, 300)
        for texts in ([text.replace("ș", "ş").replace("ț", "ţ") for text in sentences], sentences)
    )
    collator = collator_of(student, teacher)
    collator(batch_of(collator, [text.replace("ș", "ş").replace("ț", "ţ") for text in sentences[:16]]))
    assert "Teacher 0 reads its unknown token" in caplog.text


def test_a_few_unknown_words_are_no_news(cased_tokenizer, uncased_tokenizer, caplog):
    collator = collator_of(cased_tokenizer, uncased_tokenizer)
    collator(batch_of(collator, [*TEXTS * 4, "Fata 漢字 doarme"]))
    assert not caplog.text


@pytest.mark.parametrize(("texts", "looked_at"), [(["漢 字"] * 9, 9), (["漢 字"] * 70 + ["x"], 64)])
def test_a_student_that_knows_no_word_has_nothing_to_learn(foreign, texts, looked_at):
    data = Dataset.from_list(batch_of(collator_of(foreign, foreign), texts))
    with pytest.raises(ValueError, match=f"knows no word of the first {looked_at} .* so there is nothing to learn"):
        expect_known_words(data, foreign)


def test_examples_without_a_word_are_refused(cased_tokenizer):
    empty = Dataset.from_list(batch_of(collator_of(cased_tokenizer, cased_tokenizer), [""] * 9))
    with pytest.raises(ValueError, match="The first 9 training examples hold no word"):
        expect_known_words(empty, cased_tokenizer)


def test_what_cannot_be_looked_at_or_says_nothing_is_not_judged(foreign, cased_tokenizer):
    data, known = (
        Dataset.from_list(batch_of(collator_of(foreign, foreign), texts)) for texts in (["漢 字"] * 9, ["漢", "x"] * 4)
    )
    expect_known_words(known, foreign)
    expect_known_words(data.to_iterable_dataset(), foreign)
    expect_known_words(data.rename_column("input_ids", "text"), foreign)
    expect_known_words(data.select(range(1)), foreign)
    foreign.eos_token = foreign.unk_token
    expect_known_words(data, foreign)


def test_only_the_first_batches_are_looked_at(cased_tokenizer, foreign, caplog):
    look = UnknownWords({0: foreign}).look
    known, unknown = (
        {"teacher_0_input_ids": np.full((1, 6), index), "teacher_0_attention_mask": np.ones((1, 6), np.int64)}
        for index in (foreign.convert_tokens_to_ids("x"), foreign.unk_token_id)
    )
    for batch in [known] * 8 + [unknown] * 8:
        look(batch)
    assert not caplog.text


def test_a_tokenizer_whose_unknown_token_ends_texts_too_is_not_judged(cased_tokenizer, foreign, caplog):
    foreign.eos_token = foreign.unk_token
    collator = collator_of(cased_tokenizer, foreign)
    collator(batch_of(collator))
    assert not caplog.text
