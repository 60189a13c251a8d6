"""What a user can set stands in the docs: every key of a configuration, and every training argument of ours."""

import re
from dataclasses import fields

import pytest
from transformers import TrainingArguments

from helpers.pages import PAGES
from hf_multiteacher.recipes.configuration.configuration import DistillationConfig
from hf_multiteacher.recipes.configuration.keys import NEEDED, THAT_MATTER
from hf_multiteacher.training_args import DistillationTrainingArguments

KEYS = [*NEEDED, *(each.name for each in fields(DistillationConfig))]
OWN = [
    each.name
    for each in fields(DistillationTrainingArguments)
    if each.name not in {*NEEDED, *(each.name for each in fields(TrainingArguments))}
]


def listed_in(text: str) -> list[str]:
    """The names that begin a row of a table."""
    return re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)


@pytest.fixture(scope="module")
def starting_values() -> list[str]:
    """The keys for which docs/long_run.md says with what to start."""
    section = PAGES["docs/long_run.md"].partition("## Values to start from\n")[2].partition("\n## ")[0]
    return listed_in(section)


def test_the_documentation_lists_our_keys():
    assert listed_in(PAGES["docs/distill.md"]) == KEYS


@pytest.mark.parametrize("name", OWN)
def test_every_argument_of_ours_is_named(name):
    assert any(re.search(rf"`{name}\b|\b{name}=|^{name}:", text, re.MULTILINE) for text in PAGES.values())


@pytest.mark.parametrize("name", THAT_MATTER)
def test_every_argument_that_matters_has_a_starting_value(name, starting_values):
    assert name in starting_values


def test_no_argument_has_two_starting_values_and_none_is_made_up(starting_values):
    assert len(starting_values) == len({*starting_values})
    assert {*starting_values} <= {*KEYS, *(each.name for each in fields(DistillationTrainingArguments))}
