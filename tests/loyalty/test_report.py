"""What stands beside a loyalty figure: intervals, figures per class, agreement beyond chance."""

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from helpers.scores import close_distributions
from hf_multiteacher.loyalty.label import cohen_kappa, label_loyalty
from hf_multiteacher.loyalty.probability import probability_loyalty
from hf_multiteacher.loyalty.report import (
    class_figures,
    classification_report,
    label_report,
    probability_report,
    regression_report,
)

STUDENT, TEACHER = close_distributions()
STUDENT_LABELS, TEACHER_LABELS = STUDENT.argmax(axis=1), TEACHER.argmax(axis=1)


def test_full_agreement_has_an_interval_of_one_point():
    report = classification_report(STUDENT, STUDENT, confidence_level=0.95)
    assert report["label_loyalty_interval"] == report["probability_loyalty_interval"] == [1.0, 1.0]
    assert regression_report(STUDENT[:, 0], STUDENT[:, 0], confidence_level=0.95) == {
        "regression_loyalty": 1.0,
        "regression_loyalty_interval": [1.0, 1.0],
    }


def test_resamples_without_a_correlation_are_left_out_of_the_interval():
    low, high = regression_report([1.1, 2.2, 4.3], [1.7, 2.9, 2.3], confidence_level=0.95)[
        "regression_loyalty_interval"
    ]
    assert -1 <= low <= high <= 1


REPORTS = {
    "label": lambda **options: label_report(STUDENT_LABELS, TEACHER_LABELS, **options),
    "probability": lambda **options: probability_report(STUDENT, TEACHER, **options),
    "classification": lambda **options: classification_report(STUDENT, TEACHER, **options),
    "regression": lambda **options: regression_report(STUDENT[:, 0], TEACHER[:, 0], **options),
}


@pytest.mark.parametrize("report", REPORTS.values(), ids=REPORTS)
@pytest.mark.parametrize(
    "option",
    [
        {"confidence_level": 95},
        {"confidence_level": "0.9"},
        {"bootstrap_samples": 0},
        {"bootstrap_samples": 10.5},
        {"seed": -1},
        {"seed": None},
    ],
)
def test_an_impossible_interval_is_refused(report, option):
    (name, value), *_ = option.items()
    with pytest.raises(ValueError, match=f"a confidence level between 0 and 1, .* but got .*{name}={value!r}"):
        report(**{"confidence_level": 0.9, **option})


@pytest.mark.parametrize("report", REPORTS.values(), ids=REPORTS)
def test_no_confidence_level_is_no_interval_and_options_of_one_are_refused(report):
    assert report(confidence_level=None, bootstrap_samples=1000, seed=0) == report()
    for option in ({"seed": 1}, {"bootstrap_samples": 10}):
        with pytest.raises(
            ValueError, match="belong to a bootstrap interval, but confidence_level=None asks for none"
        ):
            report(**option)


def test_kappa_is_scikit_learns():
    expected = cohen_kappa_score(STUDENT_LABELS, TEACHER_LABELS)
    assert cohen_kappa(STUDENT_LABELS, TEACHER_LABELS) == pytest.approx(expected, abs=1e-12)
    assert label_report(STUDENT_LABELS, TEACHER_LABELS, kappa=True)["cohen_kappa"] == pytest.approx(expected)
    assert classification_report(STUDENT, TEACHER, kappa=True)["cohen_kappa"] == pytest.approx(expected)


def test_figures_per_class_are_those_of_the_rows_where_the_teacher_chose_it():
    per_class = classification_report(STUDENT, TEACHER, per_class=True, base=2)["per_class"]
    assert sum(figures["rows"] for figures in per_class.values()) == len(TEACHER)
    for label, figures in per_class.items():
        rows = label == TEACHER_LABELS
        assert figures["rows"] == rows.sum()
        assert figures["label_loyalty"] == pytest.approx(label_loyalty(STUDENT_LABELS[rows], TEACHER_LABELS[rows]))
        assert figures["probability_loyalty"] == pytest.approx(
            probability_loyalty(STUDENT[rows], TEACHER[rows], base=2)
        )


def test_a_class_that_the_teacher_never_chose_has_no_figure():
    assert class_figures(np.array([7, 7]), label_loyalty=np.array([True, False])) == {
        7: {"rows": 2, "label_loyalty": 0.5}
    }


def test_rows_left_out_are_left_out_of_every_figure():
    report = label_report([0, 1, 1, 5], [0, -100, 1, 6], mask=[True, True, True, False], per_class=True, kappa=True)
    assert report == {
        "label_loyalty": 1.0,
        "cohen_kappa": 1.0,
        "per_class": {0: {"rows": 1, "label_loyalty": 1.0}, 1: {"rows": 1, "label_loyalty": 1.0}},
    }
    mask = TEACHER_LABELS == 1
    report = classification_report(STUDENT, TEACHER, mask=mask, per_class=True)
    assert report["probability_loyalty"] == probability_loyalty(STUDENT[mask], TEACHER[mask])
    assert list(report["per_class"]) == [1]
    outputs = regression_report([1, 2, 4, 50], [1, 2, 3, 0], mask=[True, True, True, False], confidence_level=0.9)
    assert outputs["regression_loyalty_interval"][0] > 0


def test_reports_give_the_plain_figures_and_nothing_that_was_not_asked_for():
    scores = np.log(STUDENT), np.log(TEACHER)
    value = probability_loyalty(*scores, from_logits=True, base=2)
    assert classification_report(*scores, from_logits=True, base=2) == {
        "label_loyalty": label_loyalty(STUDENT_LABELS, TEACHER_LABELS),
        "probability_loyalty": value,
    }
    assert probability_report(*scores, from_logits=True, base=2) == {"probability_loyalty": value}
    assert set(probability_report(*scores, from_logits=True, confidence_level=0.9)) == {
        "probability_loyalty",
        "probability_loyalty_interval",
    }
