"""The estimates of doctor in its documentation: those that were measured, and near enough."""

import json

import pytest

from doctor.page import FIGURES, PAGE, page, row_of


@pytest.fixture(scope="module")
def measured():
    return json.loads(FIGURES.read_text(encoding="utf-8"))


def test_the_table_in_the_documentation_is_what_was_measured(measured):
    text = PAGE.read_text(encoding="utf-8")
    assert page(text, measured) == text


def test_time_and_memory_were_within_a_fifth_of_the_run(measured):
    assert measured["tasks"].keys() == {"masked-lm", "ner", "sts"}
    for task, figures in measured["tasks"].items():
        off_by = [int(cell.split()[0]) for cell in row_of(task, figures)[3::3]]
        assert max(map(abs, off_by)) <= 20, task
