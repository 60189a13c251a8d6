import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon
from scipy.special import softmax

from hf_multiteacher.recipes.comparison.comparison import Comparison
from hf_multiteacher.recipes.comparison.disagreements import describe, find_disagreements
from hf_multiteacher.recipes.comparison.examples import Examples

SURE = {"a": [4, 0, 0], "b": [0, 4, 0], "c": [0, 0, 4], "-": [0, 0, 0]}
TAGGED = Examples("token-classification", [[["unu", "doi"], ["trei"], ["patru", "cinci", "șase"]]])


def said(answers):
    return np.array([SURE[answer] for answer in answers], np.float32)


def nearness(student, *teachers):
    p = {name: softmax(np.float64(logits)) for name, logits in SURE.items()}
    return np.mean([1 - jensenshannon(p[teacher], p[student]) for teacher in teachers])


def test_sentences_are_ordered_by_the_mean_over_words_and_teachers():
    comparison = Comparison(TAGGED, "abc", said("aaaaaa"), {"one": said("aacaab"), "two": said("aaaaab")})
    worst, second, least = find_disagreements(comparison, 5)
    assert [each["example"] for each in (worst, second, least)] == [1, 2, 0]
    assert worst["text"] == "trei"
    assert worst["agreement"] == pytest.approx(nearness("a", "a", "c"))
    assert second["agreement"] == pytest.approx((2 * 1 + nearness("a", "b")) / 3)
    assert least["agreement"] == pytest.approx(1.0)
    assert [answer["word"] for answer in second["answers"]] == ["șase", "patru", "cinci"]
    sure = softmax(SURE["a"])[0]
    assert second["answers"][0] == {
        "word": "șase",
        "agreement": pytest.approx(nearness("a", "b")),
        "student": {"label": "a", "probability": pytest.approx(sure)},
        "teachers": {name: {"label": "b", "probability": pytest.approx(sure)} for name in ("one", "two")},
    }
    assert find_disagreements(comparison, 1) == [worst]
    assert find_disagreements(comparison, 0) == []


def test_sentences_without_words_are_left_out():
    examples = Examples("token-classification", [[[], ["unu", "doi"], [], ["trei"], ["patru", "cinci", "șase"], []]])
    found = find_disagreements(Comparison(examples, "abc", said("aaaaaa"), {"one": said("aacaab")}), 6)
    assert [(each["example"], [answer["word"] for answer in each["answers"]]) for each in found] == [
        (3, ["trei"]),
        (4, ["șase", "patru", "cinci"]),
        (1, ["unu", "doi"]),
    ]


def test_regression_is_ordered_by_the_difference():
    student, one, two = (np.float32(values)[:, None] for values in ([1, 2, 3], [1, 0, 4], [1, 2, 5]))
    examples = Examples("regression", [["unu", "doi", "trei"], ["x", "y", "z"]])
    worst, second, least = find_disagreements(Comparison(examples, "a", student, {"one": one, "two": two}), 3)
    assert (worst["text"], worst["difference"]) == ("trei | z", 1.5)
    assert worst["answers"] == [
        {"difference": 1.5, "student": {"output": 3.0}, "teachers": {"one": {"output": 4.0}, "two": {"output": 5.0}}}
    ]
    assert (second["difference"], least["difference"]) == (1.0, 0.0)


def test_several_labels_at_once_are_named_together():
    yes_no = np.float32([[[2, 0], [0, 0], [1, 0]], [[0, 0], [0, 0], [0, 0]]])
    examples = Examples("sequence-classification", [["unu", "doi"]])
    first, _ = find_disagreements(Comparison(examples, "abc", yes_no, {"one": yes_no[::-1]}), 2)
    assert first["answers"][0]["student"] == {"labels": ["a", "c"]}
    assert describe(first).splitlines()[1].strip() == "student a+c, one none"


def test_a_description_is_short_and_says_what_each_model_said():
    comparison = Comparison(TAGGED, "abc", said("aaaaaa"), {"one": said("aacaab")})
    text = describe(find_disagreements(comparison, 3)[1], words=2, width=10)
    first, *words = text.splitlines()
    assert first.split(maxsplit=1)[1] == "patru c..."
    assert [line.strip() for line in words] == [
        "șase: student a 0.96, one b 0.96",
        "patru: student a 0.96, one a 0.96",
    ]
