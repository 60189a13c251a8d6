"""Examples that are held out: drawn by a hash of their text."""

import numpy as np
import pytest
from datasets import Dataset

from hf_multiteacher.recipes.data.held_out import hold_out, text_hash

TEXTS = [f"propoziția {number}" for number in range(1000)]


def corpus_of(texts, streaming):
    corpus = Dataset.from_dict({"text": texts})
    return corpus.to_iterable_dataset() if streaming else corpus


def split(texts, number, streaming):
    train, held_out = hold_out(corpus_of(texts, streaming), number)
    return [example["text"] for example in train], held_out["text"]


@pytest.mark.parametrize("streaming", [False, True])
def test_as_many_as_asked_for_from_all_over_the_corpus(streaming):
    train, held_out = split(TEXTS, 50, streaming)
    assert len(held_out) == 50 and not {*train} & {*held_out}
    assert train == [text for text in TEXTS if text not in held_out]
    places = np.array([TEXTS.index(text) for text in held_out])
    assert 350 < places.mean() < 650 and places.min() < 100 and places.max() > 900


def test_neither_the_order_nor_the_way_of_reading_matters():
    held_out = [{*split(texts, 50, streaming)[1]} for texts in (TEXTS, TEXTS[::-1]) for streaming in (False, True)]
    assert held_out == held_out[:1] * 4


def test_of_a_longer_stream_the_first_texts_decide_and_none_is_on_both_sides():
    train, held_out = split(TEXTS, 2, streaming=True)
    assert len(held_out) == 2 and {*held_out} <= {*TEXTS[:200]}
    highest = max(map(text_hash, held_out))
    assert train == [text for text in TEXTS if text_hash(text) > highest]


@pytest.mark.parametrize("streaming", [False, True])
def test_a_text_that_stands_there_several_times_stays_on_one_side(streaming):
    texts = sorted(TEXTS[:20], key=text_hash)
    twice = [texts[0], *texts, texts[3], texts[3]]
    assert [len(split(twice, number, streaming)[1]) for number in (1, 2, 3, 4, 6, 7)] == [2, 2, 3, 4, 4, 7]
    train, held_out = split(["la fel"] * 9, 2, streaming)
    assert (len(train), len(held_out)) == (0, 9)
    train, held_out = split(TEXTS[:5], 9, streaming)
    assert (len(train), len(held_out)) == (0, 5)


def test_a_hash_is_the_same_everywhere():
    assert text_hash("și") == 14309271576591941725
