"""What finished cells say together: which arm is the reference, what is gained over it, and on the mean of tasks."""

from dataclasses import replace

import numpy as np
import pytest

from hf_multiteacher.recipes.ablation.answered import Answered
from hf_multiteacher.recipes.ablation.arms import Arm
from hf_multiteacher.recipes.ablation.cells import Cell
from hf_multiteacher.recipes.ablation.results import mean_gains, task_result

GOLD = np.arange(40) % 2
ARMS = [
    Arm("di", name, follows, {}) for name, follows in {"alone": (), "A": "A", "B": "B", "both": ("A", "B")}.items()
]


def said(right):
    """Answers to forty examples, of which the first are right."""
    return np.where(np.arange(40) < right, GOLD, 1 - GOLD)


def cell(arm, seed, right):
    ensemble = 36 if arm == "A" else 30 if arm == "B" else 38  # an arm with one teacher follows that one
    models = {"student": right, "A": 36, "B": 30, "ensemble": ensemble}
    answers = {"gold": GOLD, **{name: said(number) for name, number in models.items()}}
    return Cell(
        task="di",
        arm=arm,
        seed=seed,
        settings={},
        metric="accuracy",
        measured_on="40 examples (test)",
        quality={"accuracy": right / 40},
        loyalty={"A": {"label_loyalty": right / 40}, "ensemble": {"label_loyalty": 0.0, "probability_loyalty": 0.0}},
        teachers={name: {"accuracy": models[name] / 40} for name in ("A", "B", "ensemble")},
        sizes={name: {"parameters": 10} for name in ("student", "A", "B")},
        steps=1,
        seconds=1.0,
        answers=Answered(answers, np.array(["x", "y"])).arrays,
    )


def result(reference=None, half=None, **right):
    cells = {
        arm: {seed: cell(arm, seed, number) for seed, number in enumerate(numbers)} for arm, numbers in right.items()
    }
    return task_result(ARMS, cells, reference=reference, half=half)


def test_the_reference_is_the_best_arm_with_one_teacher():
    found = result(alone=[39, 39], A=[20, 22], B=[24, 26], both=[28, 28])
    assert found.reference == "B" and found.arms["B"].gain is None
    assert found.arms["both"].gain.value == pytest.approx(3 / 40)
    assert found.arms["A"].mean == pytest.approx(21 / 40) and found.arms["A"].deviation == pytest.approx(
        0.035355, abs=1e-5
    )


def test_another_reference_may_be_named_and_the_first_arm_is_one_where_no_teacher_is_alone():
    assert result(reference="both", A=[20], both=[28]).reference == "both"
    assert result(reference="B", A=[20], both=[28]).reference == "A"  # of B nothing is finished
    assert result(alone=[20], both=[28]).reference == "alone"


def test_with_halves_the_reference_is_the_better_one_on_the_examples_that_are_not_compared():
    compared = np.arange(40) % 2 == 0
    cells = {}
    for arm, right in {"A": ~compared, "B": compared, "both": compared}.items():
        one = cell(arm, 0, 20)
        cells[arm] = {0: replace(one, answers=one.answers | {"student": np.where(right, GOLD, 1 - GOLD)})}
    found = task_result(ARMS, cells, reference=None, half=1)
    assert found.reference == "A" and found.arms["B"].gain.value == 1
    assert task_result(ARMS, cells, reference=None, half=2).reference == "B"


def test_every_arm_is_compared_with_every_other_one_teacher_too():
    found = result(alone=[10], A=[20, 22], B=[24, 26], both=[28, 28])
    assert found.reference == "B"
    assert {name: [*arm.gains] for name, arm in found.arms.items()} == {
        "alone": ["A"],
        "A": [],
        "B": ["A"],
        "both": ["A"],
    }
    assert found.arms["both"].gains["A"].value == pytest.approx(7 / 40)
    assert found.arms["B"].gains["A"].value == pytest.approx(4 / 40)


def test_the_ensemble_of_an_arm_is_measured_on_the_examples_that_are_compared():
    found = result(A=[20], both=[28], half=1).arms
    assert found["both"].ensemble == pytest.approx(19 / 20) and found["A"].ensemble is None


def test_teachers_are_measured_on_the_same_half_and_compared_with_each_other_on_all_examples():
    found = result(A=[20], both=[28], half=1)
    assert (found.examples, found.half) == (20, 1)
    assert found.teachers == pytest.approx({"A": 18 / 20, "B": 15 / 20, "ensemble": 19 / 20})
    assert found.between == {"A": {"B": pytest.approx(34 / 40)}, "B": {"A": pytest.approx(34 / 40)}}


def test_all_arms_are_as_loyal_to_the_one_ensemble_as_their_answers_are_its_answers():
    found = result(alone=[38], A=[36], both=[20, 28])
    loyalty = {name: arm.loyalty["ensemble"] for name, arm in found.arms.items()}
    assert loyalty == {
        "alone": {"label_loyalty": 1.0},
        "A": {"label_loyalty": pytest.approx(38 / 40)},  # 1 to its own, which is teacher A
        "both": {"label_loyalty": pytest.approx((22 / 40 + 30 / 40) / 2)},
    }


def test_a_teacher_that_always_says_the_same_number_has_no_loyalty_and_the_tables_are_there():
    numbers = np.linspace(0, 5, 40).astype(np.float32)
    answers = {"gold": numbers, "student": numbers, "A": numbers, "B": np.ones_like(numbers)}
    answers["ensemble"] = answers["B"]
    one = replace(
        cell("both", 0, 20),
        metric="pearson",
        quality={"pearson": 1.0},
        loyalty={"A": {"regression_loyalty": 1.0}},
        teachers=dict.fromkeys(("A", "B", "ensemble"), {"pearson": 1.0}),
        answers=answers,
    )
    found = task_result(ARMS, {"both": {0: one}}, reference=None, half=None)
    assert found.between == {"A": {}, "B": {}}
    assert found.teachers["A"] == pytest.approx(1) and np.isnan(found.teachers["B"])
    assert found.arms["both"].loyalty == {"A": {"regression_loyalty": 1.0}, "ensemble": {}}


def test_gains_are_averaged_over_the_tasks_that_have_the_arm():
    tasks = {"di": result(A=[20], B=[18], both=[28]), "sts": result(A=[20], B=[24], both=[22], alone=[10])}
    gains = mean_gains(tasks)
    assert gains["both"].value == pytest.approx((8 / 40 - 2 / 40) / 2)
    assert gains["A"].value == pytest.approx((0 - 4 / 40) / 2)  # the reference of one task
    assert "alone" not in gains  # not finished in both


def test_an_arm_that_gains_nothing_is_listed_and_the_reference_of_all_is_not():
    gains = mean_gains({task: result(alone=[20], A=[20], both=[28]) for task in ("di", "sts")})
    assert [*gains] == ["alone", "both"] and gains["alone"].value == 0


def test_nothing_finished_is_nothing_to_compare():
    assert task_result(ARMS, {}, reference=None, half=None) is None
