"""Counts of examples, words and labels."""

import pytest

from hf_multiteacher.romanian.description import describe, format_descriptions


def test_descriptions_count_examples_and_labels(folder):
    rows = {(row.task, row.split): row for row in describe(folder)}
    assert rows["sar", "train"].labels == {"1": 40, "2": 40, "4": 80, "5": 40}
    assert rows["xpos", "validation"].unseen == 1
    assert (rows["upos", "train"].examples, rows["upos", "train"].words, rows["upos", "train"].most_words) == (3, 6, 2)
    assert ("sapn", "validation") not in rows
    table = format_descriptions(list(rows.values()))
    assert "| di | train | 40 | 80 | 2 | 2 | Moldavian: 20, Romanian: 20 |" in table
    assert "| sar | train | 200 |" in table


def test_descriptions_are_of_the_data_sets_that_are_there(folder):
    assert {row.task for row in describe(folder / "rrt")} == {"upos", "xpos"}
    assert {row.task for row in describe(folder, ["sts", "di"])} == {"sts", "di"}
    with pytest.raises(FileNotFoundError, match="expects RONEC"):
        describe(folder / "rrt", ["all", "ner"])
    with pytest.raises(FileNotFoundError, match="is not the folder of a data set, and holds none of the folders rrt"):
        describe(folder / "ronec" / "nothing")
    with pytest.raises(ValueError, match="no task 'nerr'"):
        describe(folder, ["all", "nerr"])


def test_long_label_lists_are_counted_not_listed():
    table = format_descriptions(describe("synthetic"))
    assert "| xpos | train | 2000 |" in table and "Ncfsry" not in table and " tags" in table


@pytest.mark.real_data
def test_counts_of_the_real_data_are_those_published_with_it(romanian_data):
    rows = {(row.task, row.split): row for row in describe(romanian_data)}
    assert rows["upos", "train"].examples == rows["xpos", "train"].examples == 8043
    assert rows["upos", "validation"].examples == 752
    assert len(rows["upos", "train"].labels) == len(rows["upos", "validation"].labels) == 16
    assert (len(rows["xpos", "train"].labels), len(rows["xpos", "validation"].labels)) == (476, 320)
    assert rows["xpos", "validation"].unseen == 6
    assert rows["upos", "train"].most_words == 163
    assert (rows["ner", "train"].examples, rows["ner", "validation"].examples) == (3861, 1330)
    assert (rows["ner", "train"].most_words, rows["ner", "validation"].most_words) == (241, 352)
    assert rows["sar", "train"].labels == {"1": 4459, "2": 1541, "4": 1018, "5": 4982}
    assert rows["sapn", "train"].labels == {"negative": 6000, "positive": 6000}
    assert rows["sapn", "train"].most_words == 1059
    assert (rows["di", "train"].examples, rows["di", "validation"].examples) == (4112, 588)
    assert rows["di", "train"].most_words == 6105
    assert (rows["sts", "train"].examples, rows["sts", "validation"].examples) == (5749, 1500)
