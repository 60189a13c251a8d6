"""Yes and no for each label; one label for each row is tested with the record, and with two ranks."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.special import expit
from sklearn.metrics import multilabel_confusion_matrix

from helpers.evaluated import evaluated
from helpers.models import tiny_bert
from helpers.toys import make_toy, make_trainer
from hf_multiteacher import Teacher
from hf_multiteacher.objective.answers.of_labels import LabelAnswers


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """The answers that were compared, the labels, and the logits of the student, the teachers and their ensemble."""
    trainer, seen = evaluated("multi-label", None, tmp_path_factory.mktemp("run"))
    return (
        trainer.compared_answers(),
        seen[0][1],
        dict(zip(("student", "first", "second", "ensemble"), seen, strict=True)),
    )


def test_every_answer_about_a_label_counts_with_the_probability_of_yes_or_no(found):
    answers, labels, seen = found
    assert answers.rows == "labels of examples" and not answers.confusion
    for name, (logits, _) in seen.items():
        yes = expit(logits.astype(np.float64))
        sure, right = np.maximum(yes, 1 - yes), ((yes > 0.5) == (labels > 0.5)).astype(float)
        bins, edges = np.array(answers.confidence[name]), np.linspace(0, 1, 11)
        np.testing.assert_array_equal(bins[:, 0], np.histogram(sure, edges)[0])
        np.testing.assert_allclose(bins[:, 1], np.histogram(sure, edges, weights=sure)[0], rtol=1e-5)
        np.testing.assert_array_equal(bins[:, 2], np.histogram(sure, edges, weights=right)[0])


def test_of_each_label_it_is_counted_who_gives_it_as_scikit_learn_does(found):
    answers, _, seen = found
    mine = seen["student"][0] > 0
    for name in ("first", "second", "ensemble"):
        for counts, ((neither, student), (teacher, both)) in zip(
            answers.by_label[name], multilabel_confusion_matrix(seen[name][0] > 0, mine), strict=True
        ):
            assert counts == [both, student, teacher, neither]


def test_examples_name_the_labels_that_are_disputed_and_nothing_else(found):
    answers, labels, seen = found
    assert answers.disagreements
    said = {
        (row["about"], row["label"], *(row["answers"][name][0] for name in seen))
        for each in answers.disagreements
        for row in each.rows
    }
    words = np.array(["no", "yes"])
    each = [words[(logits > 0).astype(int)] for logits, _ in seen.values()]
    expected = {
        ("abc"[label], words[int(labels[row, label])], *(answer[row, label] for answer in each))
        for row, label in np.ndindex(labels.shape)
        if any(answer[row, label] != each[0][row, label] for answer in each)
    }
    assert said == expected
    for example in answers.disagreements:
        rights = [
            (row["label"] == answer) is right for row in example.rows for answer, _, right in row["answers"].values()
        ]
        assert all(rights)


def test_of_many_labels_the_ten_that_are_farthest_apart_are_told():
    labels = [f"label {number}" for number in range(12)]
    task = SimpleNamespace(problem="multi_label_classification", token_level=False)
    tokenizer = SimpleNamespace(decode=str, all_special_ids=[], unk_token_id=None, mask_token_id=None)
    record = LabelAnswers(task, None, tokenizer, labels)
    record.models = ["student", "one"]
    said = [[0, 0.9, 1, 1, 1, 0.8, 0, float(number == 11), 0, number / 20] for number in range(12)]
    example = record.worded(np.array(said), np.array([1]))
    assert [row["about"] for row in example.rows] == labels[10:0:-1] and example.distance == 0.5
    assert example.rows[0]["answers"] == {"student": ["yes", 0.9, True], "one": ["no", 0.8, False]}


def test_a_first_teacher_that_knows_other_labels_changes_nothing_of_the_student_s_own_answers(pair, tmp_path):
    toy = make_toy("single-label", pair)
    labels = {"id2label": dict(enumerate("ca")), "label2id": {"c": 0, "a": 1}}
    partial = Teacher(
        tiny_bert("SequenceClassification", len(pair[0]), seed=4, **labels), tokenizer=pair[0], name="first"
    )

    answers = []
    for teachers, settings in ((toy.teachers, {}), ([partial, toy.teachers[1]], {"partial_labels": True})):
        trainer = make_trainer(toy, tmp_path, teachers=teachers, ensemble="per_teacher", **settings)
        trainer.evaluate()
        answers.append(trainer.compared_answers())
    known, overlapping = answers
    assert overlapping.confidence["student"] == known.confidence["student"]
    assert [*overlapping.confidence] == ["student", "second"]
