"""A distillation from a configuration: the configuration itself, and the split of its corpus."""

import pytest
from datasets import Dataset, IterableDataset

from hf_multiteacher.recipes.masked_lm import DistillationConfig, encode_corpus, read_config
from hf_multiteacher.tokenization import MultiTokenizer

TEXTS = [f"Fata citește cartea {number}." for number in range(6)]


def test_a_configuration_is_read_into_both_kinds_of_arguments(tmp_path):
    text = "corpus: [a, b]\nteachers: x\nmegabytes: 5e-1\nstudent_layers: [0, 2]\nlearning_rate: 5e-4\n"
    (tmp_path / "config.yaml").write_text(f"{text}output_dir: {tmp_path / 'out'}\n")
    config, args = read_config(tmp_path / "config.yaml")
    assert (config.corpus, config.megabytes, config.student_layers) == (["a", "b"], 0.5, [0, 2])
    assert (args.teachers, args.learning_rate) == (["x"], 5e-4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"max_length": 0}, "max_length must be a whole number from 1 on, got 0"),
        ({"held_out": 0.5}, "held_out must be a whole number from 1 on, got 0.5"),
        ({"corpus": ["a", 5]}, r"corpus must be a path or an id, or a list of them, got \['a', 5\]"),
    ],
)
def test_a_configuration_checks_its_values(change, message):
    with pytest.raises(ValueError, match=message):
        DistillationConfig(**{"corpus": "a", **change})


@pytest.mark.parametrize("vocabulary", ["trim", {"size": 500}])
def test_a_vocabulary_of_the_corpus_is_refused_where_that_is_streamed(vocabulary):
    with pytest.raises(
        ValueError, match="reads the whole corpus before the training, but streaming reads it meanwhile"
    ):
        DistillationConfig("a", streaming=True, student_vocabulary=vocabulary)
    assert DistillationConfig("a", streaming=True, student_vocabulary="a folder").streaming


@pytest.mark.parametrize("streaming", [False, True])
def test_what_is_held_out_is_not_trained_on(cased_tokenizer, streaming):
    corpus = Dataset.from_dict({"text": TEXTS})
    corpus = corpus.to_iterable_dataset() if streaming else corpus
    assert isinstance(corpus, IterableDataset) == streaming
    multi_tokenizer = MultiTokenizer(cased_tokenizer, [cased_tokenizer])
    train, held_out = encode_corpus(corpus, multi_tokenizer, DistillationConfig("a", streaming=streaming, held_out=2))
    read = [cased_tokenizer(text)["input_ids"] for text in TEXTS]
    kept = [example["input_ids"] for example in held_out]
    assert len(kept) == 2 and kept != read[:2]
    assert sorted(kept + [example["input_ids"] for example in train]) == sorted(read)


def test_a_stream_is_shuffled_anew_in_every_epoch_and_alike_for_one_seed(cased_tokenizer):
    texts = [f"Fata citește cartea {number}." for number in range(40)]
    multi_tokenizer = MultiTokenizer(cased_tokenizer, [cased_tokenizer])
    config = DistillationConfig("a", streaming=True, held_out=1)

    def orders(seed):
        corpus = Dataset.from_dict({"text": texts}).to_iterable_dataset()
        train, _ = encode_corpus(corpus, multi_tokenizer, config, seed)
        for epoch in (0, 1):
            train.set_epoch(epoch)
            yield [tuple(example["input_ids"]) for example in train]

    (first, second), again, other = orders(3), [*orders(3)], [*orders(4)]
    assert first != second and sorted(first) == sorted(second)
    assert again == [first, second]
    assert first not in other and sorted(first) == sorted(other[0])
    as_they_stand = [tuple(cased_tokenizer(text)["input_ids"]) for text in texts]
    assert first != [row for row in as_they_stand if row in first]
