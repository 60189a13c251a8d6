"""Labels that a head cannot learn from are refused before the first step, by column and row."""

import math

import pytest
import torch
from datasets import Dataset, IterableDataset
from transformers import DataCollatorWithPadding

from helpers.toys import make_toy, make_trainer
from hf_multiteacher.collation.checked_labels import CheckedLabels

NAN, INF = math.nan, math.inf


def collated(labels):
    """A collator that gives these labels."""
    return lambda features: {"labels": torch.tensor(labels)}


def checked(problem, outputs, labels, token_level=False):
    features = [{"input_ids": [row, 7], "label": 0} for row in range(len(labels))]
    return CheckedLabels(collated(labels), problem, outputs, token_level)(features)["labels"]


@pytest.mark.parametrize(
    ("problem", "outputs", "labels"),
    [
        ("single_label_classification", 3, [0, 2, -100]),
        ("multi_label_classification", 2, [[0.0, 1.0], [0.5, -100.0]]),
        ("multi_label_classification", 2, [[0, 1], [-100, -100]]),
        ("regression", 1, [-100.0, 3.5]),
        ("regression", 1, [[1.0], [2.0]]),
        ("regression", 1, [1, 2]),
        ("regression", 2, [[1.0, -9.0]]),
        ("single_label_classification", 3, []),
    ],
)
def test_what_the_head_can_learn_from_passes(problem, outputs, labels):
    assert checked(problem, outputs, labels).tolist() == labels


@pytest.mark.parametrize(
    ("problem", "outputs", "labels", "message"),
    [
        ("single_label_classification", 3, [0, 3], r"from 0 to 2, .*'label', but row 1 .*tokens \[1, 7\]\) has 3: "),
        ("single_label_classification", 3, [-1, 0], "row 0 .* has -1: there is no such label"),
        ("single_label_classification", 3, [0.0, NAN], "row 1 .* has nan: a class has no such number"),
        ("single_label_classification", 3, [0.0, 1.5], "row 1 .* has 1.5: .*into integers"),
        ("single_label_classification", 3, [0.0, 1.0], "row 0 .* has 0.0: .*into integers"),
        ("single_label_classification", 2, [[0.0, 1.0]], "problem_type = 'multi_label_classification'"),
        ("multi_label_classification", 2, [[0.0, 2.0]], "2 numbers from 0 to 1 .* row 0 .* has 2.0"),
        ("multi_label_classification", 2, [[0.0, 1.0], [NAN, 0.0]], "row 1 .* has nan"),
        ("multi_label_classification", 2, [[0.0, -1.0]], "has -1.0: .*write -100 where there is none"),
        ("multi_label_classification", 2, [1, 0], "problem_type = 'single_label_classification'"),
        ("multi_label_classification", 2, [[0.0, 1.0, 1.0]], r"has \[0.0, 1.0, 1.0\]"),
        ("regression", 1, [0.0, INF], "1 finite number per example, .* row 1 .* has inf: the loss would be no number"),
        ("regression", 2, [[1.0, NAN]], "row 0 .* has nan"),
        ("regression", 2, [1.0, 2.0], "2 finite numbers per example"),
    ],
)
def test_what_it_cannot_learn_from_is_named(problem, outputs, labels, message):
    with pytest.raises(ValueError, match=message):
        checked(problem, outputs, labels)


@pytest.mark.parametrize("labels", [[1.0, NAN], [[1.0], [NAN]]])
def test_an_example_of_a_regression_may_have_no_label(labels):
    assert checked("regression", 1, labels).isnan().flatten().tolist() == [False, True]


def test_a_token_is_named_by_its_example():
    with pytest.raises(ValueError, match="from 0 to 3, .* row 1 of a batch .* has 4"):
        checked("single_label_classification", 4, [[-100, 3], [4, -100]], token_level=True)


@pytest.mark.parametrize("same_tokenizer", [True, False])
@pytest.mark.parametrize("evaluated", [True, False])
@pytest.mark.parametrize("workers", [0, 1])
def test_a_run_stops_before_its_first_step(pair, tmp_path, same_tokenizer, evaluated, workers):
    toy = make_toy("single-label", pair, same_tokenizer=same_tokenizer, examples=32)
    wrong = toy.train.map(lambda example, row: {"label": 3 if row == 5 else example["label"]}, with_indices=True)
    collator = DataCollatorWithPadding(pair[0]) if same_tokenizer else None
    trainer = make_trainer(
        toy, tmp_path, data_collator=collator, train_dataset=wrong, eval_dataset=wrong, dataloader_num_workers=workers
    )
    with pytest.raises(ValueError, match="whole numbers from 0 to 2"):
        trainer.evaluate() if evaluated else trainer.train()


@pytest.mark.parametrize("value", [1.5, NAN, 2**70, "B"])
def test_a_tag_that_is_no_whole_number_is_named_by_column_and_row(pair, tmp_path, value):
    toy = make_toy("tagging", pair, examples=32)
    rows = [dict(toy.train[row]) for row in range(4)]
    rows[2]["labels"] = [value if label != -100 else label for label in rows[2]["labels"]]
    collator = make_trainer(toy, tmp_path).data_collator
    with pytest.raises(ValueError, match="whole number per token in column 'labels', but row 2"):
        collator(rows)


class TestStreams:
    """Streams, whose first example cannot be looked at when the trainer is made."""

    def trainer(self, toy, folder, stream):
        for model in (toy.student, *(teacher.model for teacher in toy.teachers)):
            model.config.problem_type = None
        return make_trainer(toy, folder, train_dataset=stream, eval_dataset=None, max_steps=2)

    def test_features_that_tell_of_lists_make_it_multi_label(self, pair, tmp_path):
        toy = make_toy("multi-label", pair, examples=32)
        trainer = self.trainer(toy, tmp_path, toy.train.to_iterable_dataset())
        assert trainer.model.config.problem_type == "multi_label_classification"
        trainer.train()

    def test_lists_that_nobody_told_of_are_refused_with_what_to_set(self, pair, tmp_path):
        toy = make_toy("multi-label", pair, examples=32)
        stream = IterableDataset.from_generator(iter_rows, gen_kwargs={"rows": toy.train.to_list()})
        trainer = self.trainer(toy, tmp_path, stream)
        with pytest.raises(ValueError, match="problem_type = 'multi_label_classification'"):
            trainer.train()

    def test_a_stream_that_knows_its_length_is_a_stream(self, pair, tmp_path):
        toy = make_toy("single-label", pair, examples=32)
        trainer = self.trainer(toy, tmp_path, Counted(toy.train))
        trainer.train()
        assert trainer.model.config.problem_type == "single_label_classification"


def iter_rows(rows):
    yield from rows


class Counted(torch.utils.data.IterableDataset):
    """A stream with a length."""

    def __init__(self, data: Dataset) -> None:
        self.data = data

    def __len__(self) -> int:
        return len(self.data)

    def __iter__(self):
        return iter(self.data.to_list())
