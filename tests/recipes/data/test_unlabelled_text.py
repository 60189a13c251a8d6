"""Text without labels: read as examples of the task, and added to what the student alone learns from."""

import math

import pytest
from datasets import Dataset

from helpers.tasks import own_task
from hf_multiteacher.recipes.data.labelled_data import LabelledData
from hf_multiteacher.recipes.data.unlabelled_text import load_unlabelled


def task_of(rows, names=("a", "b")):
    data = Dataset.from_list(rows)
    return own_task(data, names)


TEXTS = task_of([{"text": "unu", "labels": 0}])
WORDS = task_of([{"words": ["unu"], "labels": [0]}])
PAIRS = task_of([{"text": "unu", "text_pair": "doi", "labels": 0.5}], names=None)


@pytest.fixture
def write(tmp_path):
    def write(name, text):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return str(tmp_path / name)

    return write


def load(sources, task, **columns):
    return load_unlabelled(sources, task, text_column=columns.get("text_column")).to_list()


def test_each_line_is_an_example_without_a_label(write):
    file = write("a.txt", "Ana are mere.\n\nIon\tvine.\n")
    assert load(file, TEXTS) == [{"text": "Ana are mere.", "labels": -100}, {"text": "Ion\tvine.", "labels": -100}]
    assert load(file, WORDS)[0] == {"words": ["Ana", "are", "mere."], "labels": [-100, -100, -100]}
    (row,) = load(write("b.txt", "Ion\tvine.\n"), PAIRS)
    assert (row["text"], row["text_pair"]) == ("Ion", "vine.") and math.isnan(row["labels"])


def test_who_may_speak_stands_there_too_and_all_may_where_it_does_not(write):
    table = write("a.csv", "text,taught_by\nunu,near\n")
    rows = load_unlabelled([table, write("b.txt", "doi\n")], TEXTS, text_column=None, speakers=["near"]).to_list()
    assert [row["taught_by"] for row in rows] == [["near"], None]
    with pytest.raises(ValueError, match="Example 1 of the part unlabelled, column 'taught_by'"):
        load_unlabelled(table, TEXTS, text_column=None, speakers=["far"])


def test_files_with_columns_and_several_sources_are_read(write):
    table = write("a.csv", "id,mesaj\n1,unu\n2,doi\n")
    lines = write("b.txt", "trei\n")
    assert [row["text"] for row in load([table, lines], TEXTS)] == ["unu", "doi", "trei"]
    assert load(write("c.jsonl", '{"tokens": ["Ana"]}\n'), WORDS) == [{"words": ["Ana"], "labels": [-100]}]


@pytest.mark.parametrize(
    ("text", "task", "message"),
    [
        ("fără pereche\n", PAIRS, "'fără pereche' has 0 tabs"),
        ("\n\n", TEXTS, "holds no text"),
    ],
)
def test_text_of_another_form_is_refused(write, text, task, message):
    with pytest.raises(ValueError, match=message):
        load(write("a.txt", text), task)


def test_columns_of_another_kind_are_refused(write):
    with pytest.raises(ValueError, match="holds text, but an example of the task is text and text_pair"):
        load(write("a.csv", "text\nunu\n"), PAIRS)


def test_the_student_learns_from_both_and_is_measured_as_before(cased_tokenizer, write):
    data = LabelledData.of(WORDS, [cased_tokenizer], 64)
    more = load_unlabelled(write("a.txt", "doi trei\n"), WORDS, text_column=None)
    both = data.with_unlabelled(WORDS, more, [cased_tokenizer])
    assert both.train["labels"][:] == [[0], [-100, -100]] and data.train["labels"][:] == [[0]]
    assert both.test is data.test and both.compute_metrics is data.compute_metrics
