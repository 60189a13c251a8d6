"""Whole words masked: every word of every tokenizer is drawn with all of its tokens, or not at all."""

import numpy as np
import pytest
import torch

from hf_multiteacher.collation.data_collator import DataCollatorForDistillation
from hf_multiteacher.tokenization.multi_tokenizer import MultiTokenizer

NAMES = ("cased", "uncased", "byte_level", "unigram")


@pytest.fixture(scope="module")
def by_name(cased_tokenizer, uncased_tokenizer, byte_level_tokenizer, unigram_tokenizer):
    return dict(zip(NAMES, (cased_tokenizer, uncased_tokenizer, byte_level_tokenizer, unigram_tokenizer), strict=True))


def as_features(columns):
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def words_of(tokenizer, text, **settings):
    """The tokens of each word, as the tokenizer itself tells."""
    words = tokenizer(text, truncation=True, **settings).word_ids()
    return [[place for place, each in enumerate(words) if each == word] for word in {*words} - {None}]


def masked(batch, prefix, tokenizer):
    """Which tokens of an encoding are masked; all that are drawn are."""
    return batch[f"{prefix}input_ids"] == tokenizer.mask_token_id


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("max_length", [None, 15])
@pytest.mark.parametrize("teachers", [(), ("cased",), ("uncased",), ("byte_level", "unigram")], ids=str)
@pytest.mark.parametrize("student", NAMES)
def test_a_word_is_masked_whole_or_not_at_all_in_every_encoding(
    student, teachers, max_length, side, by_name, sentences
):
    multi = MultiTokenizer(by_name[student], [by_name[name] for name in teachers])
    settings = {"max_length": max_length} if max_length else {}
    features = as_features(multi.encode({"s": sentences}, text="s", **settings))
    collator = DataCollatorForDistillation(
        multi, mlm=True, whole_words=True, mlm_probability=0.4, mask_replace_prob=1.0, random_replace_prob=0.0
    )
    before = {tokenizer: tokenizer.padding_side for tokenizer in by_name.values()}
    try:
        for tokenizer in before:
            tokenizer.padding_side = side
        batch = collator(features)
    finally:
        for tokenizer, old in before.items():
            tokenizer.padding_side = old

    some, longer = 0, 0
    for prefix, tokenizer in {"": by_name[student], **{f"teacher_{j}_": t for j, t in multi.distinct.items()}}.items():
        hidden = masked(batch, prefix, tokenizer)
        for row, text in enumerate(sentences):
            own = hidden[row][batch[f"{prefix}attention_mask"][row] == 1]
            for word in words_of(tokenizer, text, **settings):
                kept = own[word]
                assert kept.all() or not kept.any(), (text, word)
                some, longer = some + bool(kept.any()), longer + (len(word) > 1 and bool(kept.any()))
    assert some > 50 and longer > 10
    assert torch.equal(batch["labels"] != -100, masked(batch, "", by_name[student]))


def test_words_are_drawn_as_often_as_asked_for(by_name, sentences):
    multi = MultiTokenizer(by_name["cased"], [by_name["byte_level"]])
    features = as_features(multi.encode({"s": sentences}, text="s"))
    collator = DataCollatorForDistillation(multi, mlm=True, whole_words=True, mlm_probability=0.3)
    shares = []
    for mask_round in range(10):
        collator.set_round(mask_round)
        batch = collator(features)
        shares.append((batch["labels"] != -100).sum() / (batch["attention_mask"].sum() - 2 * len(sentences)))
    assert np.mean(shares) == pytest.approx(0.3, abs=0.02)


def test_masks_depend_on_seed_round_and_example_alone(by_name, sentences):
    multi = MultiTokenizer(by_name["cased"], [by_name["unigram"]])
    features = as_features(multi.encode({"s": sentences[:20]}, text="s"))
    collator = DataCollatorForDistillation(multi, mlm=True, whole_words=True)
    together = collator(features)["labels"]
    for row in (0, 7, 19):
        alone = collator([features[row]])["labels"][0]
        assert torch.equal(together[row][: len(alone)], alone)
    collator.set_round(1)
    assert not torch.equal(collator(features)["labels"], together)
    other = DataCollatorForDistillation(multi, mlm=True, whole_words=True, seed=1)
    assert not torch.equal(other(features)["labels"], together)


def test_a_word_that_an_encoding_has_cut_is_not_drawn(by_name):
    text = "Fata nemaipomenit de frumoasă"
    multi = MultiTokenizer(by_name["cased"], [by_name["unigram"]])
    collator = DataCollatorForDistillation(
        multi, mlm=True, whole_words=True, mlm_probability=1.0, mask_replace_prob=1.0, random_replace_prob=0.0
    )
    for max_length in range(3, 16):
        features = as_features(multi.encode({"s": [text]}, text="s", max_length=max_length))
        batch = collator(features)
        hidden = masked(batch, "teacher_0_", by_name["unigram"])[0]
        for word in words_of(by_name["unigram"], text, max_length=max_length):
            assert hidden[word].all() or not hidden[word].any()


def test_tokens_without_their_text_are_masked_by_words_too(by_name, sentences):
    """Chunks, as in run_mlm.py: the teacher's inputs are rebuilt."""
    student = by_name["byte_level"]
    multi = MultiTokenizer(student, [by_name["uncased"]])
    joined = [index for text in sentences for index in student(text)["input_ids"]]
    chunks = [{"input_ids": joined[start : start + 40]} for start in range(0, len(joined) - 40, 40)]
    collator = DataCollatorForDistillation(multi, mlm=True, whole_words=True, mlm_probability=0.4)
    batch = collator(chunks)
    gold = torch.where(batch["labels"] == -100, batch["input_ids"], batch["labels"])
    for row, drawn in zip(gold, batch["labels"] != -100, strict=True):
        tokens = student.convert_ids_to_tokens(row.tolist())
        for place in range(1, len(tokens)):
            inside = not tokens[place].startswith("Ġ") and not {row[place].item(), row[place - 1].item()} & {
                *student.all_special_ids
            }
            assert not inside or drawn[place] == drawn[place - 1]


def test_whole_words_need_masking_and_shares_are_shares(by_name):
    multi = MultiTokenizer(by_name["cased"], [])
    with pytest.raises(ValueError, match="with mlm=False none is"):
        DataCollatorForDistillation(multi, whole_words=True)
    for shares in ((0.9, 0.2), (-0.1, 0.5)):
        with pytest.raises(ValueError, match="mask_replace_prob and random_replace_prob"):
            DataCollatorForDistillation(multi, mlm=True, mask_replace_prob=shares[0], random_replace_prob=shares[1])
