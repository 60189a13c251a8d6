"""Labels taken from a part of the training examples: which of them, and that only the hard loss misses them."""

import pytest
from datasets import Dataset

from hf_multiteacher.recipes.data.fewer_labels import keep_labels
from hf_multiteacher.recipes.data.task_data import TaskData


def task(rows=20):
    data = Dataset.from_dict({"text": [str(row) for row in range(rows)], "labels": [row % 2 for row in range(rows)]})
    return TaskData(
        train=data,
        test=data,
        part="test",
        label_names=("a", "b"),
        score=lambda *each: {},
        metric="x",
        title="own",
        measured_title="own",
    )


def test_so_many_keep_their_labels_and_the_others_are_the_same_texts_without():
    fewer, others = keep_labels(task(), 5)
    assert len(fewer.train) == 5 and others["labels"][:] == [-100] * 15
    assert sorted([*fewer.train["text"][:], *others["text"][:]], key=int) == [str(row) for row in range(20)]
    assert all(int(row["text"]) % 2 == row["labels"] for row in fewer.train)
    assert fewer.test is task().test or len(fewer.test) == 20


def test_more_labels_are_the_fewer_ones_and_more():
    few, more = (keep_labels(task(), number)[0].train["text"][:] for number in (5, 8))
    assert more[:5] == few and few != [str(row) for row in range(5)]


def test_more_labels_than_there_are_examples_are_refused():
    with pytest.raises(ValueError, match="labelled_rows is 21, but the training part has 20 examples"):
        keep_labels(task(), 21)
