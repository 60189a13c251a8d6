"""What regressions answer."""

from types import SimpleNamespace

import numpy as np
import pytest

from helpers.evaluated import evaluated, text_of
from hf_multiteacher.objective.answers.of_numbers import MOST_NUMBERS, NumberAnswers
from hf_multiteacher.objective.answers.record import NOTHING


def test_every_number_is_kept_and_those_that_are_farthest_apart_are_told_beside_their_text(tmp_path):
    trainer, seen = evaluated("regression", None, tmp_path)
    answers, labels = trainer.compared_answers(), seen[0][1]
    student, first, second, ensemble = (logits[:, 0] for logits, _ in seen)
    assert not answers.confidence and answers.numbers.of == len(labels)
    np.testing.assert_allclose(answers.numbers.labels, labels.reshape(-1), rtol=1e-4)
    for name, numbers in zip(
        ("student", "first", "second", "ensemble"), (student, first, second, ensemble), strict=True
    ):
        np.testing.assert_allclose(answers.numbers.said[name], numbers, rtol=1e-4)

    apart = (abs(first - student) + abs(second - student)) / 2
    texts = [text_of(trainer, each) for each in trainer.eval_dataset]
    told = [(each.parts[0][0], each.distance) for each in answers.disagreements]
    assert [text for text, _ in told] == [texts[row] for row in np.argsort(-apart)[: len(told)]]
    assert [distance for _, distance in told] == pytest.approx(sorted(apart, reverse=True)[: len(told)], rel=1e-3)
    (row,) = answers.disagreements[0].rows
    farthest = apart.argmax()
    assert row["label"] == f"{labels.reshape(-1)[farthest]:.4g}"
    assert row["answers"]["student"] == [f"{student[farthest]:.4g}", None, None]


def test_of_any_number_of_answers_a_few_hundred_are_kept_from_everywhere():
    record = NumberAnswers(None, None, None, ["score"])
    record.models = ["student", "one"]
    for start in range(0, 10_000, 100):
        said = [
            [[n, 1, NOTHING, NOTHING, n + 1, n % 2 - 1, NOTHING, NOTHING, np.nan, 0]]
            for n in range(start, start + 100)
        ]
        record.count(np.array(said, np.float64))
    numbers = record.result().numbers
    assert MOST_NUMBERS // 2 <= len(numbers.labels) <= MOST_NUMBERS and numbers.of == 10_000
    assert set(np.diff(numbers.said["student"])) == {32.0} and numbers.said["student"][-1] > 9_900
    assert {*numbers.labels, *numbers.said["one"]} == {None}, "32 is even: the teacher has none of them"


def test_of_many_outputs_the_ten_that_are_farthest_apart_are_told():
    tokenizer = SimpleNamespace(decode=str, all_special_ids=[], unk_token_id=None, mask_token_id=None)
    record = NumberAnswers(None, None, tokenizer, [f"output {number}" for number in range(12)])
    record.models = ["student", "one"]
    said = [[1.5, 1, NOTHING, NOTHING, 1.5 + number, 1, NOTHING, 0, np.nan, number] for number in range(12)]
    example = record.worded(np.array(said), np.array([1]))
    assert [row["about"] for row in example.rows] == record.outputs[11:1:-1] and example.distance == 11
    assert example.rows[0] == {
        "about": "output 11",
        "label": None,
        "answers": {"student": ["1.5", None, None], "one": ["12.5", None, None]},
    }
