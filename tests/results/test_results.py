"""docs/results.md says what the stored figures say, and nothing in it was typed by hand."""

import json
import re

import pytest

from results import tables
from results.page import CHART, FIGURES, PAGE, TEMPLATE, measured, page


def test_the_page_is_written_from_its_figures():
    assert PAGE.read_text("utf-8") == page(measured()), (
        "docs/results.md is not what docs/results/*.json say: run python -m tests.results --write-docs"
    )
    assert CHART.exists()


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
