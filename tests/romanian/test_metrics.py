"""Metrics against own counts."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from helpers.tagging import noisy, span_f1, tags_of
from hf_multiteacher.romanian.loading import load_task
from hf_multiteacher.romanian.metrics import (
    classification_scores,
    compute_task_metrics,
    correlation_scores,
    entity_scores,
    read_predictions,
    trainer_metrics,
)
from hf_multiteacher.romanian.reference import REFERENCE, REFERENCE_NOTE


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


def test_missing_predictions_are_refused(upos):
    with pytest.raises(ValueError, match="1 predictions came for 2 references"):
        compute_task_metrics(upos, [["NOUN"]], [["NOUN"], ["VERB"]])
    with pytest.raises(ValueError, match="0 predictions"):
        classification_scores([], [])


def test_the_metric_of_every_task_is_among_its_scores():
    for key in ("upos", "ner", "sapn", "sar", "di", "sts"):
        task = load_task(key, "synthetic")
        rows = task.data["validation"]["labels"][:50]
        names = task.label_names
        gold = rows if names is None else [[names[i] for i in r] if isinstance(r, list) else names[r] for r in rows]
        scores = compute_task_metrics(task, gold, gold)
        assert task.metric in scores and all(value == pytest.approx(1) for value in scores.values())


def test_trainer_metrics_count_labelled_tokens_only(upos):
    size = len(upos.label_names)
    labels = np.array([[-100, 3, -100, 1, -100], [-100, 2, -100, -100, -100]])
    logits = np.zeros((2, 5, size), dtype=np.float32)
    logits[0, 1, 3] = logits[0, 3, 0] = logits[1, 1, 2] = 1
    scores = trainer_metrics(upos)(SimpleNamespace(predictions=logits, label_ids=labels))
    assert scores["accuracy"] == pytest.approx(2 / 3)


def test_trainer_metrics_of_entities_take_rows_as_sentences(ner):
    names = list(ner.label_names)
    begin, inside = names.index("B-GPE"), names.index("I-GPE")
    labels = np.array([[-100, begin, inside], [begin, -100, -100]])
    logits = np.eye(len(names), dtype=np.float32)[[[0, begin, inside], [0, 0, 0]]]
    scores = trainer_metrics(ner)(SimpleNamespace(predictions=(logits, None), label_ids=labels))
    assert (scores["entity_precision"], scores["entity_recall"]) == (1.0, 0.5)


def test_an_entity_over_the_edge_of_a_window_is_whole_in_the_scores(ner):
    names = list(ner.label_names)
    begin, inside = names.index("B-GPE"), names.index("I-GPE")
    labels = np.array([[-100, begin, -100], [-100, inside, 0], [begin, -100, -100]])
    output = SimpleNamespace(predictions=np.eye(len(names))[np.where(labels < 0, 0, labels)], label_ids=labels)
    predicted, gold = read_predictions(ner, output, sentences=[0, 0, 1])
    assert predicted == gold == [["B-GPE", "I-GPE", "O"], ["B-GPE"]]
    wrong = np.where(labels == inside, 0, labels)
    output = SimpleNamespace(predictions=np.eye(len(names))[np.where(wrong < 0, 0, wrong)], label_ids=labels)
    # Of the two entities one is found whole; without the windows put together, both would be.
    assert trainer_metrics(ner, [0, 0, 1])(output)["entity_recall"] == 0.5
    assert trainer_metrics(ner)(output)["entity_recall"] == 1.0


def test_trainer_metrics_of_sentences_and_pairs():
    di, sts = load_task("di", "synthetic"), load_task("sts", "synthetic")
    logits = np.array([[2.0, 1.0], [0.0, 1.0], [3.0, 1.0]])
    scores = trainer_metrics(di)(SimpleNamespace(predictions=logits, label_ids=np.array([0, 1, 1])))
    assert scores["accuracy"] == pytest.approx(2 / 3)
    scores = trainer_metrics(sts)(
        SimpleNamespace(predictions=np.array([[1.0], [2.0], [4.0]]), label_ids=np.array([1.0, 2.0, 4.0]))
    )
    assert scores["pearson"] == pytest.approx(1)


@pytest.mark.real_data
def test_entity_ids_are_those_of_the_distribution(romanian_data):
    names = load_task("ner", romanian_data).label_names
    for record in json.loads((romanian_data / "ronec/valid.json").read_text(encoding="utf-8")):
        assert [names[i] for i in record["ner_ids"]] == record["ner_tags"]


def test_published_values_are_complete_and_say_how_they_differ():
    assert len(REFERENCE) == 5 and all(len(values) == 7 for values in REFERENCE.values())
    assert REFERENCE["racai/distilbert-multi-base-romanian-cased"]["sts"] == 80.66
    assert "aligned-word" in REFERENCE_NOTE and "type ignored" in REFERENCE_NOTE and "loyalty" not in REFERENCE_NOTE
