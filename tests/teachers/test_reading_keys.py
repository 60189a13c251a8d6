import numpy as np
import pytest
import torch
from torch.nn.functional import pad

from hf_multiteacher.teachers.reading_keys import reading_keys

IDS = torch.tensor([[5, 6, 7, 8], [5, 6, 9, 0]])
MASK = torch.tensor([[1, 1, 1, 1], [1, 1, 1, 0]])


def keys(ids=IDS, mask=MASK, marks=None, **further):
    return reading_keys({"input_ids": ids, "attention_mask": mask} | further, marks or {})


def same(first, second):
    return (first == second).all(axis=1).tolist()


def test_every_example_has_128_bits_of_its_own():
    assert keys().shape == (2, 2) and keys().dtype == np.uint64
    assert len(np.unique(keys(IDS.repeat(2, 1), MASK.repeat(2, 1)), axis=0)) == 2


def test_neither_padding_nor_the_other_examples_count():
    wider = keys(pad(IDS, (0, 3), value=1), pad(MASK, (0, 3)))
    assert same(keys(), wider) == [True, True]
    assert (keys(IDS[1:], MASK[1:]) == keys()[1:]).all()

    whatever = IDS.clone()
    whatever[1, 3] = 99
    assert same(keys(), keys(whatever)) == [True, True]


def test_padding_on_the_left_counts_as_it_moves_a_text():
    assert same(keys(), keys(pad(IDS, (1, 0)), pad(MASK, (1, 0)))) == [False, False]


@pytest.mark.parametrize("place", [0, 2])
def test_another_token_is_another_reading(place):
    other = IDS.clone()
    other[0, place] = 1
    assert same(keys(), keys(other)) == [False, True]


@pytest.mark.parametrize(
    "further",
    [
        {"token_type_ids": torch.tensor([[0, 0, 1, 1], [0, 0, 0, 1]])},
        {"bbox": torch.arange(32).view(2, 4, 4)},
        {"visits": torch.tensor([[0.5], [0.25]])},
        {"marks": {"asked": torch.tensor([[False, True, False, False], [False, False, True, True]])}},
    ],
)
def test_all_else_that_is_given_counts(further):
    assert same(keys(), keys(**further)) == [False, False]

    changed = {name: value.flip(0) if name != "marks" else value for name, value in further.items()}
    if "marks" not in further:
        assert same(keys(**further), keys(**changed)) == [False, False]


def test_a_column_is_told_from_another_with_the_same_numbers():
    types = torch.zeros_like(IDS)
    assert same(keys(token_type_ids=types), keys(position_ids=types)) == [False, False]


def test_without_a_mask_all_tokens_are_real():
    given = reading_keys({"input_ids": IDS}, {})
    assert not same(given, reading_keys({"input_ids": IDS + 1}, {}))[1]


def test_whole_numbers_of_any_size_are_the_same_numbers():
    assert same(keys(), keys(IDS.int(), MASK.bool())) == [True, True]
