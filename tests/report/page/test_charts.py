"""Where things stand in the charts of a page."""

import re
from itertools import combinations

import pytest
from sklearn.calibration import calibration_curve

from hf_multiteacher.report.colours import COLOURS
from hf_multiteacher.report.page.confusion import confusion
from hf_multiteacher.report.page.dots import dot_chart
from hf_multiteacher.report.page.lines import MOST_POINTS, Curve, line_chart
from hf_multiteacher.report.page.looks import OF_STUDENTS, OF_TEACHERS, Look
from hf_multiteacher.report.page.reliability import calibration_error, reliability_diagram
from hf_multiteacher.report.page.scatter import Box, scatter_chart
from hf_multiteacher.report.page.svg import WIDTH, Axis
from hf_multiteacher.report.page.training_log import is_constant, losses, loyalties, of_teachers

LOOK = Look(COLOURS["blue"], "circle")
HISTORY = [
    {"loss": 2.0, "hard_loss": 1.0, "step": 1},
    {"loss": 1.0, "hard_loss": 0.5, "step": 2},
    {"eval_loss": 0.9, "eval_label_loyalty/one": 0.5, "step": 1},
    {"eval_loss": 0.8, "eval_label_loyalty/one": 0.6, "step": 2},
    {"eval_loss": 0.7, "eval_label_loyalty/one": 0.7, "step": 2},
    {"train_loss": 1.5, "step": 2},
]


def places(chart):
    return [float(x) for x in re.findall(r'cx="([\d.]+)"', chart)]


def test_a_better_figure_stands_further_right_and_both_are_inside():
    low, high = places(dot_chart("f1", {"a": 0.5, "b": 0.6}, {"a": LOOK, "b": LOOK}))
    assert 0 < low < high < WIDTH and high - low > 0.7 * WIDTH


def test_what_differs_by_a_trifle_stands_side_by_side():
    low, high = places(dot_chart("f1", {"a": 0.9, "b": 0.9001}, {"a": LOOK, "b": LOOK}))
    assert high - low < 0.05 * WIDTH


def test_no_axis_counts_beyond_the_largest_figure_that_there_is():
    ticks = re.findall(r'class="tick">([^<]+)', dot_chart("loyalty", {"a": 0.99}, {"a": LOOK}, least=0.1, most=1.0))
    assert ticks and max(map(float, ticks)) <= 1 < Axis.around([0.99], 0, 1, least=0.1).high


def test_one_figure_and_equal_ones_have_an_axis():
    assert places(dot_chart("f1", {"a": 0.0}, {"a": LOOK})) == [WIDTH / 2]
    assert 0 < Axis.around([3.0, 3.0], 0, 10)(3.0) < 10


def test_every_model_has_a_shape_of_its_own():
    shapes = (*OF_STUDENTS, *OF_TEACHERS, "cross")
    assert len({Look(COLOURS["grey"], each).mark(0, 0) for each in shapes}) == len(shapes)


def test_a_long_curve_is_thinned_and_keeps_its_ends():
    points = [(float(step), float(step)) for step in range(10_000)]
    path = re.search(r'd="(M[^"]*)"', line_chart("loss", [Curve("training", LOOK, points)]))[1]
    assert path.count("L") <= MOST_POINTS
    first, last = (float(each.split()[0]) for each in (path[1:].split("L")[0], path.split("L")[-1]))
    assert (first, last) == (46, WIDTH - 10)


def test_names_of_models_that_stand_close_cover_neither_each_other_nor_a_mark():
    points = {"a rather long name": (10.0, 0.5), "two": (10.2, 0.5), "three": (10.0, 0.501), "far": (1.0, 0.6)}
    chart = scatter_chart("t", points, dict.fromkeys(points, LOOK), across="latency", up="f1")
    names = re.findall(r'x="([\d.]+)" y="([\d.]+)" text-anchor="\w+" class="label">([^<]+)', chart)
    boxes = [Box(float(x), float(y) - 9, float(x) + 6 * len(name), float(y) + 2) for x, y, name in names]
    assert len(boxes) == 4 and not any(a.meets(b) for a, b in combinations(boxes, 2))
    marks = zip(places(chart), map(float, re.findall(r'cy="([\d.]+)"', chart)), strict=True)
    assert not any(box.meets(Box(x - 5, y - 5, x + 5, y + 5)) for x, y in marks for box in boxes)
    assert all(0 <= box.left and box.right <= WIDTH for box in boxes)


def test_reliability_is_scikit_learns():
    sure = [0.05, 0.15, 0.55, 0.57, 0.95, 0.97, 0.99]
    right = [0, 1, 0, 1, 1, 1, 0]
    bins = [[0.0, 0.0, 0.0] for _ in range(10)]
    for value, correct in zip(sure, right, strict=True):
        bins[int(10 * value)] = [a + b for a, b in zip(bins[int(10 * value)], (1, value, correct), strict=True)]
    accuracy, confidence = calibration_curve(right, sure, n_bins=10)
    drawn = places(reliability_diagram("m", bins, LOOK))
    assert drawn == pytest.approx([34 + 140 * each for each in confidence], abs=0.06)
    weights = [1, 1, 2, 3]
    expected = sum(w * abs(a - c) for w, a, c in zip(weights, accuracy, confidence, strict=True)) / 7
    assert calibration_error(bins) == pytest.approx(expected)
    assert calibration_error([[0, 0, 0]] * 10) == 0


def test_a_confusion_counts_what_differs():
    found = confusion("one", [[0, 0, 5], [1, 0, 3], [2, 2, 1]], ["a", "b", "c"])
    assert (found.labels, found.apart, found.of) == (["a", "b", "c"], 3, 9)
    assert [[cell.rows for cell in line] for line in found.cells] == [[5, 0, 0], [3, 0, 0], [0, 0, 1]]
    assert found.cells[1][0].share == pytest.approx(3 / 8) and found.cells[2][2].agree


def test_what_an_evaluation_calls_the_loss_is_the_hard_loss():
    found = losses(HISTORY)
    assert found["loss"] == {"training": [(1.0, 2.0), (2.0, 1.0)]}
    assert found["hard_loss"] == {"training": [(1.0, 1.0), (2.0, 0.5)], "evaluation": [(1.0, 0.9), (2.0, 0.7)]}
    assert [*found] == ["loss", "hard_loss"]
    assert [*losses([{**dict.fromkeys(("hard_loss", "loss", "other_loss"), 1.0), "step": n} for n in (1, 2)])] == [
        "loss",
        "hard_loss",
        "other_loss",
    ], "whatever the order in the log"


def test_what_is_logged_of_teachers_is_found_and_what_is_no_number_left_out():
    assert loyalties(HISTORY) == {"label_loyalty": {"one": [(1.0, 0.5), (2.0, 0.7)]}}
    curves = of_teachers([{"step": s, "w/a": 0.5, "w/b": float("nan")} for s in (1, 2)], "w")
    assert curves == {"a": [(1.0, 0.5), (2.0, 0.5)]} and is_constant(curves)
