"""Scores against own counts."""

import numpy as np
import pytest

from helpers.tagging import noisy, span_f1, tags_of
from hf_multiteacher.romanian.scores import classification_scores, correlation_scores, entity_scores


def test_classification_scores_are_those_counted_by_hand():
    scores = classification_scores(["a", "b", "b", "c"], ["a", "b", "a", "b"])
    assert scores["accuracy"] == 0.5
    assert scores["macro_f1"] == pytest.approx((2 / 3 + 1 / 2 + 0) / 3)


def test_entity_scores_agree_with_a_count_of_spans(ner):
    gold = tags_of(ner)
    for share in (0.02, 0.1, 0.5):
        predicted = noisy(gold, ner.label_names, share)
        scores = entity_scores(predicted, gold)
        assert scores["entity_f1"] == pytest.approx(span_f1(gold, predicted))
        assert scores["boundary_f1"] == pytest.approx(span_f1(gold, predicted, typed=False))
        assert scores["boundary_f1"] > scores["entity_f1"]


def test_perfect_predictions_score_one(ner):
    gold = tags_of(ner)
    assert set(entity_scores(gold, gold).values()) == {1.0}


def test_boundaries_ignore_the_type_and_nothing_else():
    gold = [["B-PERSON", "I-PERSON", "O", "B-GPE"]]
    assert entity_scores([["B-ORG", "I-ORG", "O", "B-GPE"]], gold)["entity_f1"] == 0.5
    assert entity_scores([["B-ORG", "I-ORG", "O", "B-GPE"]], gold)["boundary_f1"] == 1.0
    assert entity_scores([["B-PERSON", "O", "O", "B-GPE"]], gold)["boundary_f1"] == 0.5


def test_an_inside_tag_that_continues_nothing_is_no_entity():
    scores = entity_scores([["I-GPE", "O", "B-GPE"]], [["B-GPE", "O", "B-GPE"]])
    assert (scores["entity_precision"], scores["entity_recall"]) == (1.0, 0.5)
    mixed = entity_scores([["B-PERSON", "I-ORG"]], [["B-PERSON", "O"]])
    assert mixed["entity_f1"] == mixed["boundary_f1"] == 1.0


def test_correlations_agree_with_numpy():
    rng = np.random.default_rng(0)
    gold = rng.uniform(0, 5, 50)
    predicted = gold + rng.normal(size=50)
    scores = correlation_scores(predicted.tolist(), gold.tolist())
    assert scores["pearson"] == pytest.approx(np.corrcoef(gold, predicted)[0, 1])
    ranks = [np.argsort(np.argsort(values)) for values in (gold, predicted)]
    assert scores["spearman"] == pytest.approx(np.corrcoef(*ranks)[0, 1])


def test_a_constant_prediction_has_no_correlation():
    with pytest.raises(ValueError, match="all predictions are 2.0.*has not learned"):
        correlation_scores([2.0, 2.0], [1.0, 3.0])
