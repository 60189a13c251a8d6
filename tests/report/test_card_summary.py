import pytest

from helpers.card_figures import measured_student
from hf_multiteacher.report.card_data import Evaluation
from hf_multiteacher.report.card_summary import quality_kept, size, speed, summary


def test_nothing_is_compared_that_was_not_measured_of_both_sides():
    data = measured_student()
    data.evaluations = [Evaluation("d", "token-classification", {"student": {"f1": 0.5}, "cased": {"f1": "not run"}})]
    data.sizes = {"student": {"parameters": 10}, "somebody": {"parameters": 20}}
    assert summary(data) == {}


def test_quality_is_beside_the_best_teacher_and_not_the_ensemble():
    data = measured_student()
    figures = {"student": 0.9, "cased": 0.95, "mine": 1.0, "ensemble": 2.0, "student alone": 3.0}
    both = {name: {"loss": 1.0, "f1": value, "accuracy": value / 2} for name, value in figures.items()}
    data.evaluations = [Evaluation("d", "token-classification", both)]
    assert quality_kept(data) == "90.0 % of the f1 of mine, the best teacher", "an error is no percentage"
    both["student"]["accuracy"] = 0.25
    data.arguments = {"metric_for_best_model": "eval_accuracy"}
    assert quality_kept(data) == "50.0 % of the accuracy of mine, the best teacher"
    data.arguments |= {"greater_is_better": False}
    assert quality_kept(data) == "90.0 % of the f1 of mine, the best teacher"


@pytest.mark.parametrize(
    ("student", "teachers", "said"),
    [
        (0.5, (0.0, 0.0), ""),
        (0.5, (None, "not run"), ""),
        (0.0, (0.0, 0.8), "0.0 % of the entity_f1 of mine, the best teacher"),
        (0.2, (0.4, 0.1), "50.0 % of the entity_f1 of cased, the best teacher"),
        (-0.2, (0.4, 0.1), ""),
    ],
)
def test_no_other_measure_takes_the_place_of_the_tasks_own(student, teachers, said):
    data = measured_student()
    rows = zip(("student", "cased", "mine"), (student, *teachers), strict=True)
    figures = {name: {"accuracy": 0.5, "entity_f1": f1} for name, f1 in rows}
    data.evaluations = [Evaluation("d", "token-classification", figures)]
    data.metric = "entity_f1"
    data.arguments = {"metric_for_best_model": "accuracy"}
    assert quality_kept(data) == said


@pytest.mark.parametrize(
    ("latencies", "said"),
    [
        ((1.0, 2.0, None), "2 times as fast as cased"),
        ((1.0, 2.04, 1.96), "2 times as fast as cased and mine"),
        ((2.0, 1.0, 6.3), "0.5 times as fast as cased, 3.1 times as fast as mine"),
        ((1.0, 1.01, 2.0), "as fast as cased, 2 times as fast as mine"),
        ((None, 2.0, 2.0), ""),
    ],
)
def test_speed_is_beside_each_teacher(latencies, said):
    data = measured_student()
    rows = zip(("student", "cased", "mine"), latencies, strict=True)
    data.sizes = {name: {} if latency is None else {"latency_ms": latency} for name, latency in rows}
    assert speed(data) == said


@pytest.mark.parametrize(
    ("parameters", "said"), [(40, "60 % smaller than mine"), (120, "20 % larger than mine"), (100, "as large as mine")]
)
def test_size_is_beside_the_largest_teacher(parameters, said):
    data = measured_student()
    counts = {"student": parameters, "cased": 80, "mine": 100}
    data.sizes = {name: {"parameters": count} for name, count in counts.items()}
    assert size(data) == f"{said}, the largest teacher"


def test_of_teachers_of_one_size_none_is_the_largest():
    data = measured_student()
    data.sizes = {"student": {"parameters": 40}, "cased": {"parameters": 100}, "mine": {"parameters": 100}}
    assert size(data) == "60 % smaller than its teachers"


def test_names_are_shown_as_they_are():
    data = measured_student()
    data.teachers = [{**data.teachers[0], "name": "*a*"}]
    data.sizes = {"student": {"parameters": 1}, "*a*": {"parameters": 2}}
    assert size(data) == "50 % smaller than &#42;a&#42;"
