"""docs/results.md says what the stored figures say, and nothing in it was typed by hand."""

import json
import re

import pytest

from results import tables
from results.page import CHART, FIGURES, PAGE, SETTINGS, TEMPLATE, add_tasks, measured, page


def test_the_page_is_written_from_its_figures():
    assert PAGE.read_text("utf-8") == page(measured()), (
        "docs/results.md is not what docs/results/*.json say: run python -m tests.results --write-docs"
    )
    assert CHART.exists()


def test_the_readme_says_what_was_found():
    readme = " ".join((PAGE.parents[1] / "README.md").read_text("utf-8").split())
    four, two = (measured()[name] for name in ("few_labels", "few_labels_tiny"))
    best, chosen = (
        [tables.gain(each, "A+B logits", of) for each in (four, two)]
        for of in (tables.better_student, tables.reference)
    )
    assert (
        "six tasks and three seeds, two calibrated teachers are [about as good as the better single one in" in readme
    )
    assert f"{best[0]} points beside it in a student of four layers, {best[1]} in one of two." in readme
    assert f"Beside the one that was chosen on other examples they have {chosen[0]} and {chosen[1]}." in readme
    assert [len(each["tasks"]) for each in (four, two)] == [6, 6]
    assert [len(tables.seeds_of(each)) for each in (four, two)] == [3, 3]


def test_text_without_labels_brings_the_tiny_student_about_as_much_as_teachers():
    found, readme = measured()["few_labels_tiny"], " ".join((PAGE.parents[1] / "README.md").read_text("utf-8").split())
    whole, of_text, of_teachers = (
        tables.over(found, *arms)
        for arms in (
            ("A+B logits", "alone"),
            ("A+B logits", "A+B logits, no text"),
            ("A+B logits, no text", "alone"),
        )
    )
    assert f"brought that of two layers about as much as teachers did: {of_text} of its {whole} points over" in readme
    assert float(of_text) == pytest.approx(float(of_teachers), abs=0.2)
    for name, task in found["tasks"].items():
        with_text, without = (task["arms"][arm]["mean"] for arm in ("A+B logits", "A+B logits, no text"))
        assert with_text > without, name


def test_what_the_page_says_of_named_entities_and_of_tagging_holds():
    found = measured()
    for name in ("few_labels", "all_labels", "few_labels_tiny"):
        arms = found[name]["tasks"]["ner"]["arms"]
        assert min(arms["A+B"]["mean"], arms["A+B logits"]["mean"]) > max(arms["A"]["mean"], arms["B"]["mean"])
    students = found["masked_lm_tasks"]
    better = tables.ahead(students, "from both", ["from cased", "from uncased"])
    assert better == ["upos", "xpos", "ner"], "ahead in the three kinds of tagging"


def test_what_the_page_says_of_all_six_tasks_holds():
    tasks = measured()["few_labels"]["tasks"]
    means = {arm: sum(task["arms"][arm]["mean"] for task in tasks.values()) for arm in tasks["upos"]["arms"]}
    lost = {name: task["arms"]["A+B"]["gain"]["value"] for name, task in tasks.items()}
    assert max(means, key=means.get) == "A+B logits"
    assert min(lost, key=lost.get) == "sts" and lost["sts"] < 0, "in sts an uncalibrated second teacher costs"
    assert tables.teachers_steps(measured()["few_labels_tiny"]) == tables.teachers_steps(measured()["few_labels"])
    for name in ("few_labels", "few_labels_tiny", "all_labels"):
        found = tables.verdict(measured()[name], "A+B logits", tables.better_student)
        assert found == "not proven either way.", "about as good as the better single one in hindsight"
    for name in ("few_labels", "few_labels_tiny"):
        assert {tables.better_teacher(task) for task in measured()[name]["tasks"].values()} == {"A"}
    assert tables.verdict(measured()["few_labels"], "A+B logits") == "better.", (
        "ahead of the one chosen on the other half"
    )
    whole = measured()["all_labels"]
    assert all(float(tables.over(whole, "alone", teacher)) > 0 for teacher in "AB"), (
        "without teachers as well as with one"
    )


def test_no_figure_is_written_in_the_template():
    prose = re.sub(r"```.*?```|{{.*?}}|{%.*?%}|`[^`]*`", "", TEMPLATE.read_text("utf-8"), flags=re.DOTALL)
    assert not re.findall(r"[+-]?\d+\.\d+", prose)


def test_every_arm_of_the_stored_figures_adds_up():
    for path in FIGURES.glob("*labels*.json"):
        content = json.loads(path.read_text("utf-8"))
        for task in content["tasks"].values():
            best = max(task["arms"].values(), key=lambda arm: arm["mean"])
            for arm in task["arms"].values():
                assert arm["mean"] == pytest.approx(sum(arm["seeds"].values()) / len(arm["seeds"]), abs=1e-5)
                assert arm["mean"] <= best["mean"]
            assert task["arms"][task["reference"]]["gain"] is None


def test_the_files_hold_no_path_of_a_machine():
    for path in FIGURES.glob("*.json"):
        assert not re.search(r'"/|[A-Z]:\\\\', path.read_text("utf-8"))


def test_the_share_that_is_kept_is_of_the_better_teacher():
    task = {
        "arms": {"both": {"mean": 0.9}},
        "teachers": {"A": {"figure": 0.8}, "B": {"figure": 1.0}, "ensemble": {"figure": 2.0}},
    }
    assert tables.kept({"tasks": {"di": task, "sts": task}}, "both") == "90.0"


def task_with(value, error):
    """A task in which an arm of both gains so much over A; where it is None, that arm is the reference itself."""
    gain = None if value is None else {"value": value, "standard_error": error, "interval": (value, value)}
    return {"reference": "A" if gain else "both", "arms": {"both": {"gain": gain, "gains": {}}}}


def test_a_mean_gain_is_that_of_independent_tasks():
    def mean_gain(**tasks):
        return tables.mean_gain({"tasks": tasks}, "both")

    found = mean_gain(di=task_with(0.03, 0.03), sts=task_with(0.01, 0.04))
    assert (found["value"], found["standard_error"]) == pytest.approx((0.02, 0.025))
    assert found["interval"] == pytest.approx((0.02 - 1.96 * 0.025, 0.02 + 1.96 * 0.025))
    assert mean_gain(di=task_with(0.03, 0.03), sts=task_with(None, None))["value"] == 0.015
    assert mean_gain(di=task_with(None, None)) is None


def test_the_better_single_teacher_is_asked_for_in_three_ways():
    gain = {"standard_error": 0.0, "interval": (0.0, 0.0)}
    gains = {"A": gain | {"value": 0.3}, "B": gain | {"value": 0.1}}
    task = {
        "reference": "A",
        "teachers": {"A": {"figure": 0.6}, "B": {"figure": 0.7}, "ensemble": {"figure": 0.9}},
        "arms": {
            "both": {"mean": 0.8, "gain": gains["A"], "gains": gains},
            "A": {"mean": 0.5, "gain": None},
            "B": {"mean": 0.7, "gain": gain | {"value": 0.2}},
        },
    }
    ablation = {"tasks": {"di": task}, "teachers": {"A": "a", "B": "b"}}
    ways = (tables.reference, tables.better_teacher, tables.better_student)
    assert [of(task) for of in ways] == ["A", "B", "B"]
    assert [tables.mean_gain(ablation, "both", of)["value"] for of in ways] == [0.3, 0.1, 0.1]
    assert tables.other_teacher(ablation) == "+20.00 (+0.00 to +0.00)"
    assert tables.won(ablation, "both", tables.better_teacher) == (1, 1)


def test_tasks_are_added_one_by_one(tmp_path, monkeypatch):
    monkeypatch.setattr("results.page.FIGURES", tmp_path)
    for task, steps in (("di", 240), ("sts", 240), ("ner", 10)):
        settings = dict.fromkeys(SETTINGS) | {"shared": {"max_steps": steps, "data": f"/a/{task}/romanian"}}
        content = {**settings, "keys_of_tasks": {task: {}}, "tasks": {task: {}}, "mean_gains": {}}
        (tmp_path / f"{task}.txt").write_text(json.dumps(content), "utf-8")

    add_tasks("some", str(tmp_path / "di.txt"))
    add_tasks("some", str(tmp_path / "sts.txt"))
    assert [*json.loads((tmp_path / "some.json").read_text("utf-8"))["tasks"]] == ["di", "sts"]
    with pytest.raises(ValueError, match="other shared"):
        add_tasks("some", str(tmp_path / "ner.txt"))
