import logging

import pytest
from transformers import BertConfig

from hf_multiteacher.teachers.shared_labels import share_labels


def config(*names, **settings):
    return BertConfig(id2label=dict(enumerate(names)), label2id={n: i for i, n in enumerate(names)}, **settings)


def share(student, teacher, tagging=True):
    return share_labels(config(*student), config(*teacher), "t", tagging=tagging)


def test_labels_that_both_know_are_outcomes_and_o_is_none_of_the_teachers():
    shared = share(["O", "B-PER", "I-PER", "B-DATE", "B-ORG"], ["b-org", "O", "I-PER", "B-PER", "B-MISC"])
    assert shared.count == 4
    assert shared.student.tolist() == [0, 1, 2, 0, 3]
    assert shared.teacher.tolist() == [3, 0, 2, 1, 0]


def test_o_is_a_label_like_any_other_where_texts_are_labelled():
    assert share(["O", "A", "AB"], ["O", "A", "B"], tagging=False).student.tolist() == [1, 2, 0]


def test_names_that_differ_by_case_alone_are_matched_exactly():
    assert share(["de", "DE", "x"], ["DE", "y"]).student.tolist() == [0, 1, 0]


@pytest.mark.parametrize("teacher", [config("B", "a"), BertConfig(num_labels=3)])
def test_the_same_labels_and_labels_without_names_are_matched_as_ever(teacher, caplog):
    with caplog.at_level(logging.WARNING):
        assert share_labels(config("a", "b"), teacher, "t", tagging=True) is None
    assert not caplog.text


def test_a_warning_says_what_is_shared_and_what_is_not(caplog):
    with caplog.at_level(logging.WARNING):
        share(["O", "B-PER", "B-DATE"], ["O", "b-per", "B-MISC"])
    assert "Teacher 't' shares 1 of the student's 3 labels: it speaks over ['B-PER']." in caplog.text
    assert "Of the student's, ['O', 'B-DATE'] are other to it; of its own, ['O', 'B-MISC']." in caplog.text


def test_teachers_without_a_label_in_common_or_for_another_problem_are_refused():
    with pytest.raises(
        ValueError, match=r"teacher 't' has \['O', 'B-LOC'\] and the student has \['O', 'B-PER'\]: there"
    ):
        share(["O", "B-PER"], ["O", "B-LOC"])
    several = config("a", "b", "c", problem_type="multi_label_classification")
    with pytest.raises(ValueError, match="single_label_classification, but it is a model for multi_label"):
        share_labels(config("a", "b", problem_type="single_label_classification"), several, "t", tagging=False)
