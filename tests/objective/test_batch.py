"""A batch carries its rows with it, as long as nobody touches what they come from."""

import copy
import pickle

import pytest
import torch
from accelerate.utils.operations import concatenate, send_to_device, slice_tensors
from torch.utils.data._utils.pin_memory import pin_memory

from hf_multiteacher.objective.batch import Batch, WithRows
from hf_multiteacher.objective.row_finder import RowFinder

FINDER = RowFinder({"first": None, "second": 1}, [True, True], "single_label_classification", "labelled", False)
OTHER = RowFinder({"first": None, "second": 1}, [True, False], "single_label_classification", "labelled", False)


def collate(_features):
    batch = {
        "input_ids": torch.tensor([[2, 5, 6, 3], [2, 7, 3, 0]]),
        "attention_mask": torch.tensor([[1, 1, 1, 1], [1, 1, 1, 0]]),
        "labels": torch.tensor([[-100, 5, 6, -100], [-100, -100, -100, -100]]),
        "teacher_1_input_ids": torch.tensor([[2, 9, 8, 3], [2, 4, 3, 0]]),
        "teacher_1_positions": torch.tensor([[-1, 2, 1, -1], [-1, -1, -1, -1]]),
        "name": "a text",
    }
    batch["labels"][1, 1] = 4  # in place, as a collator may
    return batch


@pytest.fixture
def batch():
    return WithRows(collate, FINDER)([])


def test_its_rows_are_known_and_are_no_entry(batch):
    assert batch.rows_for(FINDER).index.tolist() == [1, 2, 5]
    assert batch.keys() == collate([]).keys()
    assert batch.rows_for(OTHER) is None


def test_they_travel_to_a_device_and_through_processes(batch):
    ways = {
        "to a device": send_to_device(batch, torch.device("meta"), non_blocking=True),
        "between processes": pickle.loads(pickle.dumps(batch)),
        "copied": copy.copy(batch),
    }
    for way, moved in ways.items():
        assert moved.rows_for(FINDER) is not None, way
        assert moved["name"] == "a text"
    assert ways["to a device"].rows_for(FINDER).index.device == ways["to a device"]["labels"].device


def test_they_are_pinned_with_it(batch, monkeypatch):
    pinned = []
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda self: pinned.append(self) or self.clone())
    moved = pin_memory(batch)

    assert moved.rows_for(FINDER).index is not batch.rows_for(FINDER).index
    assert any(each is batch.rows_for(FINDER).index for each in pinned)


@pytest.mark.parametrize(
    "change",
    [
        lambda batch: batch.pop("labels"),
        lambda batch: batch.pop("attention_mask"),
        lambda batch: batch.update(labels=batch["labels"].clone()),
        lambda batch: batch["labels"].fill_(-100),
        lambda batch: batch["teacher_1_positions"].fill_(-1),
        lambda batch: batch.update(token_type_ids=batch["labels"]),
    ],
)
def test_they_are_forgotten_where_what_they_come_from_has_changed(change, batch):
    change(batch)

    assert batch.rows_for(FINDER) is None
    assert copy.copy(batch).rows_for(FINDER) is None
    assert batch.to("cpu").rows_for(FINDER) is None


def test_what_accelerate_cuts_or_puts_together_has_none(batch):
    del batch["name"]

    assert slice_tensors(batch, slice(0, 1)).rows_for(FINDER) is None
    assert concatenate([batch, batch]).rows_for(FINDER) is None
    assert Batch({**batch}).rows_for(FINDER) is None


def test_what_is_no_plain_dict_stays_as_it_is():
    assert WithRows(lambda features: features, FINDER)([1]) == [1]
