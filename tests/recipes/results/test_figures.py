"""What was measured: sorted by whose it is, for a file and for the screen."""

import json
import math
from types import SimpleNamespace

import pytest

from hf_multiteacher.recipes.results.figures import Figures, fitted

METRICS = {
    "eval_accuracy": 0.5,
    "eval_macro_f1": math.nan,
    "eval_accuracy/one": 0.75,
    "eval_accuracy/ensemble": 0.8,
    "eval_coverage/one": 0.9,
    "eval_loss": 1.5,
    "eval_loss/one": 1.25,
    "eval_soft_loss/one": 0.1,
    "eval_label_loyalty/one": 0.25,
    "eval_label_loyalty/ensemble": 0.5,
    "eval_runtime": 3.0,
    "eval_samples_per_second": 4.0,
    "epoch": 1.0,
}


@pytest.fixture
def figures():
    sizes = {"out": {"parameters": 1000, "megabytes": 0.5}, "one": {"parameters": 2000, "megabytes": "unknown"}}
    card = SimpleNamespace(name="out", sizes=sizes)
    trainer = SimpleNamespace(teachers=SimpleNamespace(names=["one", "two"]), card_data=lambda: card)
    return Figures.of(trainer, METRICS, "accuracy")


def test_every_figure_belongs_to_somebody(figures, tmp_path):
    figures.write(tmp_path / "metrics.json", task="text-classification")
    content = json.loads((tmp_path / "metrics.json").read_text())
    assert content == {
        "task": "text-classification",
        "metric": "accuracy",
        "student": {
            "quality": {"accuracy": 0.5, "macro_f1": None},
            "parameters": 1000,
            "megabytes": 0.5,
            "losses": {"loss": 1.5, "soft_loss/one": 0.1},
        },
        "teachers": {
            "one": {
                "quality": {"accuracy": 0.75, "coverage": 0.9, "loss": 1.25},
                "parameters": 2000,
                "loyalty": {"label_loyalty": 0.25},
            },
            "two": {"quality": {}, "loyalty": {}},
        },
        "ensemble": {"quality": {"accuracy": 0.8}, "loyalty": {"label_loyalty": 0.5}},
    }


def test_the_table_has_a_row_for_each_model_and_the_loyalty_below(figures):
    assert [line.rstrip() for line in figures.table().splitlines()] == [
        "          accuracy  macro f1  parameters   MB",
        "student     0.5000       nan       1,000  0.5",
        "one         0.7500                 2,000",
        "two",
        "ensemble    0.8000",
        "",
        "the student's loyalty to   label",
        "one                       0.2500",
        "ensemble                  0.5000",
    ]


def test_accuracy_stays_behind_the_main_measure_where_a_table_has_no_room_for_all():
    tagging = {
        "entity_f1": 0.5,
        "entity_precision": 0.5,
        "entity_recall": 0.5,
        "macro_precision": 0.5,
        "accuracy": 0.5,
    }
    sizes = {"parameters": 1000, "megabytes": 0.5}
    figures = Figures(tagging, {"a-teacher-with-a-long-name": tagging}, {}, {}, {}, sizes, metric="entity_f1")
    header = figures.table().splitlines()[0]
    assert header.split()[:3] == ["entity", "f1", "accuracy"] and "recall" not in header and header.endswith("MB")


def test_a_table_that_is_too_wide_loses_columns_but_not_the_last_ones():
    rows = [["", *(f"measure number {number}" for number in range(9)), "MB"]]
    rows.append(["a", *["0.1"] * 9, "5"])
    lines = fitted(rows, kept=1).splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0].split()[-1] == "MB" and "number 0" in lines[0] and "number 8" not in lines[0]
