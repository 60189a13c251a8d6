"""What an evaluation keeps of the answers, against counts of what a plain forward says."""

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.metrics import confusion_matrix

from helpers.evaluated import evaluated, text_of
from helpers.toys import TASKS, make_toy, make_trainer
from hf_multiteacher.losses.functional import IGNORED_LABEL
from hf_multiteacher.objective.answers.record import KEPT
from hf_multiteacher.report.page.page import MOST_EXAMPLES


def rows_of(logits, labels, like=None):
    """The rows that have a label, or have one for another model."""
    there = (labels if like is None else like) != IGNORED_LABEL
    return logits[there], labels[there]


@pytest.mark.parametrize("task", ["tagging", "single-label"])
def test_confidence_and_accuracy_are_those_of_the_logits(task, pair, tmp_path):
    trainer, seen = evaluated(task, pair, tmp_path)
    answers = trainer.compared_answers()
    assert answers.rows == ("words" if task == "tagging" else "examples")
    assert [*answers.confidence] == ["student", "first", "second", "ensemble"]
    for (logits, labels), bins in zip(seen, answers.confidence.values(), strict=True):
        logits, labels = rows_of(logits, labels)
        sure = softmax(logits.astype(np.float64), axis=-1).max(-1)
        edges = np.linspace(0, 1, 11)
        right = (logits.argmax(-1) == labels).astype(float)
        np.testing.assert_array_equal([each[0] for each in bins], np.histogram(sure, edges)[0])
        np.testing.assert_allclose([each[1] for each in bins], np.histogram(sure, edges, weights=sure)[0], rtol=1e-5)
        np.testing.assert_array_equal([each[2] for each in bins], np.histogram(sure, edges, weights=right)[0])


@pytest.mark.parametrize("task", ["tagging", "single-label"])
def test_the_confusion_is_scikit_learns(task, pair, tmp_path):
    trainer, ((student, _), *others) = evaluated(task, pair, tmp_path)
    answers = trainer.compared_answers()
    for name, (logits, labels) in zip(("first", "second", "ensemble"), others, strict=True):
        mine, _ = rows_of(student, labels)
        theirs, _ = rows_of(logits, labels)
        expected = confusion_matrix(mine.argmax(-1), theirs.argmax(-1), labels=range(len(answers.labels)))
        found = np.zeros_like(expected)
        for row, column, count in answers.confusion[name]:
            found[row, column] = count
        np.testing.assert_array_equal(found, expected)


def test_examples_are_those_that_are_farthest_apart_and_say_what_each_model_answered(pair, tmp_path):
    trainer, ((student, labels), (first, _), (second, _), (ensemble, _)) = evaluated("single-label", pair, tmp_path)
    answers = trainer.compared_answers()
    told = [each.distance for each in answers.disagreements]
    assert told == sorted(told, reverse=True) and 0 < len(told) <= KEPT

    differing = (np.stack([first, second, ensemble]).argmax(-1) != student.argmax(-1)).any(axis=0)
    assert len(told) == differing.sum()
    texts = {text_of(trainer, each): number
             for number, each in enumerate(trainer.eval_dataset)}  # fmt: skip
    for example in answers.disagreements:
        ((text, row),) = example.parts
        number = texts[text]
        assert row is None and differing[number]
        (said,) = example.rows
        assert said["label"] == "abc"[labels[number]]
        for name, logits in (("student", student), ("first", first), ("second", second), ("ensemble", ensemble)):
            label, sure, right = said["answers"][name]
            assert right is bool(logits[number].argmax() == labels[number])
            assert label == "abc"[logits[number].argmax()] and sure == pytest.approx(
                softmax(logits[number]).max(), abs=1e-4
            )


def test_in_tagging_the_words_that_are_disputed_are_told_from_the_others(pair, tmp_path):
    trainer, _ = evaluated("tagging", pair, tmp_path)
    examples = trainer.compared_answers().disagreements
    texts = {text_of(trainer, row).replace(" ", "") for row in trainer.eval_dataset}
    assert examples
    for example in examples:
        assert any("".join(text for text, _ in example.parts).replace(" ", "") in text for text in texts)
        assert [row for _, row in example.parts if row is not None] == [*range(len(example.rows))]
        for said in example.rows:
            mine = said["answers"]["student"][0]
            assert any(label != mine for label, *_ in said["answers"].values())


@pytest.mark.parametrize("task", TASKS)
def test_a_report_compares_the_answers_of_every_task(task, pair, tmp_path):
    trainer = make_trainer(make_toy(task, pair), tmp_path)
    trainer.evaluate()
    (run,) = trainer.report().runs
    assert run.answers == trainer.compared_answers() and run.answers.disagreements
    assert trainer.report().html().count('class="example"') == min(MOST_EXAMPLES, len(run.answers.disagreements))


def test_answers_of_weights_that_the_student_no_longer_has_are_not_told(pair, tmp_path):
    trainer = make_trainer(make_toy("single-label", pair), tmp_path, max_steps=2)
    trainer.evaluate()
    assert trainer.compared_answers() is not None
    trainer.train()
    assert trainer.compared_answers() is None
    assert "call trainer.evaluate()" in trainer.report().runs[0].without_answers
    trainer.evaluate()
    own = trainer.report().runs[0].answers
    trainer.predict(trainer.eval_dataset.select(range(3)))
    assert own is not None and trainer.report().runs[0].answers is own, "a prediction is of other data"


def test_answers_of_the_last_step_are_not_those_of_the_best_one(pair, tmp_path):
    best = {"load_best_model_at_end": True, "eval_strategy": "steps", "save_strategy": "steps"}
    settings = {"max_steps": 2, "eval_steps": 1, "save_steps": 1, **best}
    trainer = make_trainer(make_toy("single-label", pair), tmp_path, **settings)
    trainer.train()
    assert trainer.compared_answers() is None
    trainer.evaluate()
    assert trainer.compared_answers() is not None


def test_a_model_that_answers_nothing_is_not_counted(pair, tmp_path):
    toy = make_toy("single-label", pair)
    toy.teachers[1].model.classifier.bias.data.fill_(float("nan"))
    trainer = make_trainer(toy, tmp_path)
    trainer.evaluate()
    answers = trainer.compared_answers()
    assert sum(each[0] for each in answers.confidence["second"]) == 0 and answers.confusion["second"] == []
    assert sum(each[0] for each in answers.confidence["first"]) == len(toy.evaluation)
