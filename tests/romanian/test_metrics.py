"""From a model's outputs to the scores of a task: tokens, words, windows, whole sentences."""

from types import SimpleNamespace

import numpy as np
import pytest

from hf_multiteacher.romanian.loading import load_task
from hf_multiteacher.romanian.metrics import compute_task_metrics, read_predictions, trainer_metrics
from hf_multiteacher.romanian.scores import classification_scores


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
