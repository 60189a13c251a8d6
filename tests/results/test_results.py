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
    found = measured()["few_labels"]
    readme = " ".join((PAGE.parents[1] / "README.md").read_text("utf-8").split())
    both, other = tables.gain(found, "A+B logits"), tables.wrong_choice(found)
    assert f"{both} points beside it, where the other one alone has {other}, on six tasks and three seeds" in readme
    assert (len(found["tasks"]), len(tables.seeds_of(found))) == (6, 3)
    assert tables.verdict(found, "A+B logits") == "not proven either way." and "about as good as the better" in readme
    better = tables.ahead(measured()["masked_lm_tasks"], "from both", ["from cased", "from uncased"])
    assert better == ["upos", "xpos", "ner"] and "the better one to fine-tune in three kinds of tagging" in readme


def test_what_the_page_says_of_all_six_tasks_holds():
    tasks = measured()["few_labels"]["tasks"]
    means = {arm: sum(task["arms"][arm]["mean"] for task in tasks.values()) for arm in tasks["upos"]["arms"]}
    lost = {name: task["arms"]["A+B"]["gain"]["value"] for name, task in tasks.items()}
    assert max(means, key=means.get) == "A+B logits", "the highest mean of all"
    assert all(task["teachers"]["A"]["figure"] > task["teachers"]["B"]["figure"] for task in tasks.values())
    assert min(lost, key=lost.get) == "sts" and 2 * lost["sts"] < sum(lost.values()), "most of it in sts"

    assert tables.teachers_steps(measured()["few_labels_tiny"]) == tables.teachers_steps(measured()["few_labels"])

    tiny = measured()["few_labels_tiny"]["tasks"]["ner"]
    assert tiny["teachers"]["A"]["figure"] > tiny["teachers"]["B"]["figure"], (
        "whose student is the better one all the same"
    )
    assert tiny["reference"] == "B"


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
    return {
        "arms": {"both": {"gain": value and {"value": value, "standard_error": error, "interval": (value, value)}}}
    }


def test_a_mean_gain_is_that_of_independent_tasks():
    found = tables.mean_gain({"tasks": {"di": task_with(0.03, 0.03), "sts": task_with(0.01, 0.04)}}, "both")
    assert (found["value"], found["standard_error"]) == pytest.approx((0.02, 0.025))
    assert found["interval"] == pytest.approx((0.02 - 1.96 * 0.025, 0.02 + 1.96 * 0.025))
    assert (
        tables.mean_gain({"tasks": {"di": task_with(0.03, 0.03), "sts": task_with(None, None)}}, "both")["value"]
        == 0.015
    )
    assert tables.mean_gain({"tasks": {"di": task_with(None, None)}}, "both") is None


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
