"""Which labels there are, in whose order."""

import math
from collections import Counter

import pytest

from hf_multiteacher.recipes.data.label_inventory import Names, read_label, take_inventory

FIRST = Names("teacher 'a'", ["rău", "bun"], named=True)
SECOND = Names("teacher 'b'", ["Bun", "RĂU"], named=True)
UNNAMED = Names("teacher 'c'", ["LABEL_0", "LABEL_1"], named=False)


def take(labels, *teachers, test=()):
    inventory = take_inventory({"train": Counter(labels), "test": Counter(test)}, teachers)
    return inventory.names, dict(inventory.number), inventory.notes


def test_labels_are_in_the_first_teachers_order():
    assert take(["bun", "rău"], FIRST, SECOND) == (["rău", "bun"], {"bun": 1, "rău": 0}, [])
    assert take(["bun"], SECOND, FIRST)[:2] == (["Bun", "RĂU"], {"bun": 0})


def test_without_teachers_that_know_them_labels_are_sorted():
    assert take(["b", "a", "c"])[0] == ["a", "b", "c"]
    assert take(["10", "9", "1"])[0] == ["1", "9", "10"]


def test_numbers_are_places_of_a_teachers_names_and_that_is_said():
    names, number, notes = take(["0", "1"], FIRST)
    assert (names, number) == (["rău", "bun"], {"0": 0, "1": 1})
    assert notes == ["The labels are numbers: 0 is rău, 1 is bun, as teacher 'a' has them."]
    assert take(["1", "0"], UNNAMED) == (["LABEL_0", "LABEL_1"], {"1": 1, "0": 0}, [])


def test_names_that_are_numbers_are_names():
    stars = Names("teacher 's'", ["1", "2", "4", "5"], named=True)
    assert take(["5", "1"], stars) == (["1", "2", "4", "5"], {"5": 3, "1": 0}, [])


def test_a_label_that_train_never_shows_is_told():
    assert take(["a", "b"], test=["c", "c", "a"])[2] == [
        "The part test has labels that train never shows: c (2 times)."
    ]


@pytest.mark.parametrize(
    ("labels", "teachers", "message"),
    [
        (
            ["bun", "slab"],
            [FIRST],
            "labels 'slab' .in train., which teacher 'a' does not know: it has 'rău', 'bun'",
        ),
        (["0", "2"], [FIRST], "labels '0', '2'"),
        (["bun"], [UNNAMED], "has no names for its 2 labels"),
        (["2"], [UNNAMED], "has no names for its 2 labels"),
        (
            ["bun"],
            [FIRST, UNNAMED],
            "cannot be matched: teacher 'c' has no names for its own, but another teacher has",
        ),
        (["bun"], [FIRST, Names("teacher 'd'", ["bun", "mare"], True)], "must have the same labels, in any order"),
        (["bun"], [FIRST, Names("teacher 'd'", ["bun", "rău", "x"], True)], "must have the same labels, in any order"),
        (["a"], [], "All labels of the data are 'a', so there is nothing to learn"),
    ],
)
def test_labels_that_do_not_fit_are_refused_by_name(labels, teachers, message):
    with pytest.raises(ValueError, match=message):
        take(labels, *teachers)


@pytest.mark.parametrize(
    ("value", "names", "label"),
    [("bun ", None, "bun"), (1, None, "1"), (1.0, None, "1"), (1, ["a", "b"], "b"), (True, None, "True")]
    + [(value, None, None) for value in ("", " ", None, math.nan)],
)
def test_a_label_is_read_as_a_text(value, names, label):
    assert read_label(value, names) == label
