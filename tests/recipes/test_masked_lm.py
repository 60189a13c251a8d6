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


@pytest.mark.parametrize("streaming", [False, True])
def test_the_first_texts_are_held_out(cased_tokenizer, streaming):
    corpus = Dataset.from_dict({"text": TEXTS})
    corpus = corpus.to_iterable_dataset() if streaming else corpus
    assert isinstance(corpus, IterableDataset) == streaming
    multi_tokenizer = MultiTokenizer(cased_tokenizer, [cased_tokenizer])
    train, held_out = encode_corpus(corpus, multi_tokenizer, DistillationConfig("a", streaming=streaming, held_out=2))
    read = [cased_tokenizer(text)["input_ids"] for text in TEXTS]
    assert [example["input_ids"] for example in held_out] == read[:2]
    assert [example["input_ids"] for example in train] == read[2:]
