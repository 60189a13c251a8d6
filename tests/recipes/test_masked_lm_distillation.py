"""The corpus of a masked language model: split, encoded and shuffled."""

import pytest
from datasets import Dataset, IterableDataset

from hf_multiteacher.recipes.masked_lm_distillation import encode_corpus
from hf_multiteacher.tokenization import MultiTokenizer

TEXTS = [f"Fata citește cartea {number}." for number in range(6)]


@pytest.mark.parametrize("streaming", [False, True])
def test_what_is_held_out_is_not_trained_on(cased_tokenizer, streaming):
    corpus = Dataset.from_dict({"text": TEXTS})
    corpus = corpus.to_iterable_dataset() if streaming else corpus
    assert isinstance(corpus, IterableDataset) == streaming
    multi_tokenizer = MultiTokenizer(cased_tokenizer, [cased_tokenizer])
    train, held_out = encode_corpus(corpus, multi_tokenizer, max_length=128, held_out=2)
    read = [cased_tokenizer(text)["input_ids"] for text in TEXTS]
    kept = [example["input_ids"] for example in held_out]
    assert len(kept) == 2 and kept != read[:2]
    assert sorted(kept + [example["input_ids"] for example in train]) == sorted(read)


def test_a_stream_is_shuffled_anew_in_every_epoch_and_alike_for_one_seed(cased_tokenizer):
    texts = [f"Fata citește cartea {number}." for number in range(40)]
    multi_tokenizer = MultiTokenizer(cased_tokenizer, [cased_tokenizer])

    def orders(seed):
        corpus = Dataset.from_dict({"text": texts}).to_iterable_dataset()
        train, _ = encode_corpus(corpus, multi_tokenizer, max_length=128, held_out=1, seed=seed)
        for epoch in (0, 1):
            train.set_epoch(epoch)
            yield [tuple(example["input_ids"]) for example in train]

    (first, second), again, other = orders(3), [*orders(3)], [*orders(4)]
    assert first != second and sorted(first) == sorted(second)
    assert again == [first, second]
    assert first not in other and sorted(first) == sorted(other[0])
    as_they_stand = [tuple(cased_tokenizer(text)["input_ids"]) for text in texts]
    assert first != [row for row in as_they_stand if row in first]
