import logging

import pytest
import torch
from transformers import BertConfig

from hf_multiteacher.teachers.labels import align_labels


def config(*names, **settings):
    return BertConfig(id2label=dict(enumerate(names)), label2id={n: i for i, n in enumerate(names)}, **settings)


def test_a_permuted_teacher_is_put_into_the_students_order():
    student, teacher = ["O", "B-PER", "I-PER"], ["I-PER", "O", "B-PER"]
    index = align_labels(config(*student), config(*teacher), "t")
    assert index.dtype == torch.int64
    assert [teacher[position] for position in index] == student


def test_equal_orders_need_no_index():
    assert align_labels(config("O", "B-PER"), config("O", "B-PER"), "t") is None


def test_case_and_spaces_around_a_name_do_not_matter():
    assert align_labels(config("Positive", "Negative"), config("NEGATIVE ", "positive"), "t").tolist() == [1, 0]


def test_names_that_differ_by_case_alone_are_matched_exactly():
    assert align_labels(config("de", "DE", "x"), config("x", "DE", "de"), "t").tolist() == [2, 1, 0]


def test_names_that_differ_by_case_alone_are_not_guessed():
    with pytest.raises(ValueError, match="each once"):
        align_labels(config("de", "DE"), config("De", "dE"), "t")


def test_the_order_of_the_dictionary_does_not_matter():
    teacher = BertConfig(id2label={2: "c", 0: "a", 1: "b"}, label2id={"c": 2, "a": 0, "b": 1})
    assert align_labels(config("a", "b", "c"), teacher, "t") is None


def test_positions_may_be_strings_as_in_a_json_file():
    teacher = config(*"abcdefghijk")
    teacher.id2label = {str(position): name for position, name in teacher.id2label.items()}
    assert align_labels(config(*"abcdefghijk"), teacher, "t") is None


def test_without_names_on_either_side_the_order_is_trusted_aloud(caplog):
    with caplog.at_level(logging.WARNING):
        assert align_labels(BertConfig(num_labels=3), BertConfig(num_labels=3), "old-one") is None
    assert "Neither the student nor teacher 'old-one' names its labels" in caplog.text
    assert "Set id2label" in caplog.text


def test_names_are_matched_in_silence(caplog):
    align_labels(config("a", "b"), config("b", "a"), "t")
    assert not caplog.text


@pytest.mark.parametrize("student_is_named", [True, False])
def test_names_on_one_side_only_are_refused_with_what_to_set(student_is_named):
    sides = [config("neg", "pos"), BertConfig(num_labels=2)]
    with pytest.raises(ValueError, match="id2label") as error:
        align_labels(*(sides if student_is_named else sides[::-1]), "t")
    assert "['neg', 'pos']" in str(error.value)
    assert "['LABEL_0', 'LABEL_1']" in str(error.value)
    assert f"in the config of {'teacher ' + repr('t') if student_is_named else 'the student'}" in str(error.value)


def test_sets_that_differ_are_refused_with_both_lists():
    with pytest.raises(ValueError, match="Teacher 'other' must have the student's labels") as error:
        align_labels(config("O", "B-PER"), config("O", "B-LOC"), "other")
    assert "['O', 'B-PER']" in str(error.value)
    assert "['O', 'B-LOC']" in str(error.value)


def test_a_teacher_with_more_labels_is_refused():
    with pytest.raises(ValueError, match=r"\['a', 'b'\].*\['a', 'b', 'c'\]"):
        align_labels(config("a", "b"), config("a", "b", "c"), "t")


def test_a_name_that_is_there_twice_is_refused():
    with pytest.raises(ValueError, match="each once"):
        align_labels(config("a", "b", "b"), config("b", "a", "b"), "t")


def test_different_numbers_of_nameless_labels_are_refused():
    with pytest.raises(ValueError, match="must have the student's labels"):
        align_labels(BertConfig(num_labels=2), BertConfig(num_labels=3), "t")


def test_one_output_is_a_regression_and_its_name_does_not_matter():
    assert align_labels(config("similarity"), BertConfig(num_labels=1), "t") is None


def test_regressions_with_several_outputs_keep_their_order():
    regression = {"problem_type": "regression"}
    assert align_labels(config("x", "y", **regression), BertConfig(num_labels=2, **regression), "t") is None


def test_regressions_of_different_widths_are_refused():
    with pytest.raises(ValueError, match="must have the student's labels"):
        align_labels(BertConfig(num_labels=1), BertConfig(num_labels=2, problem_type="regression"), "t")


def test_a_regression_teacher_of_a_classifier_is_refused():
    with pytest.raises(ValueError, match="problem type multi_label_classification, but it is a model for regression"):
        student = BertConfig(num_labels=2, problem_type="multi_label_classification")
        align_labels(student, BertConfig(num_labels=1), "t")


def test_a_problem_type_that_one_side_does_not_state_is_no_reason_to_refuse():
    student = config("a", "b", problem_type="multi_label_classification")
    assert align_labels(student, config("b", "a"), "t").tolist() == [1, 0]


def test_names_in_label2id_alone_give_the_order():
    student, teacher = BertConfig(num_labels=2), BertConfig(num_labels=2)
    student.label2id, teacher.label2id = {"neg": 0, "pos": 1}, {"pos": 0, "neg": 1}
    assert align_labels(student, teacher, "t").tolist() == [1, 0]
    assert align_labels(student, config("pos", "neg"), "t").tolist() == [1, 0]
    assert align_labels(config("neg", "pos"), student, "t") is None


@pytest.mark.parametrize("owner", ["the student", "teacher 't'"])
def test_a_configuration_that_contradicts_itself_is_refused_by_name(owner):
    odd = config("neg", "pos")
    odd.label2id = {"pos": 0, "neg": 1}
    sides = (odd, config("neg", "pos")) if owner == "the student" else (config("neg", "pos"), odd)
    with pytest.raises(ValueError, match=f"The configuration of {owner} must name each label once"):
        align_labels(*sides, "t")
