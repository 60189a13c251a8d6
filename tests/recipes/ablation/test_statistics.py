"""Main figures from means over examples: those that the task's own scores are, on all examples and on drawn ones."""

import numpy as np
import pytest
from datasets import Dataset

from helpers.tasks import own_task
from hf_multiteacher.recipes.ablation.answered import GOLD, Answered
from hf_multiteacher.recipes.ablation.statistics import MEASURES
from hf_multiteacher.romanian.scores import classification_scores, correlation_scores, entity_scores, tag_scores

TAGS = ("O", "B-X", "I-X", "B-Y", "I-Y")


def answered(names, labels, said, **columns):
    data = Dataset.from_dict({**columns, "labels": labels})
    task = own_task(data, names)
    return Answered.of(task, {"student": said})


def tagged(generator, sentences=40):
    lengths = generator.integers(1, 9, sentences)
    gold, said = ([generator.integers(0, len(TAGS), length).tolist() for length in lengths] for _ in range(2))
    pairs = [zip(*rows, strict=True) for rows in zip(gold, said, strict=True)]
    said = [[a if generator.random() < 0.7 else b for a, b in rows] for rows in pairs]
    words = [["x"] * length for length in lengths]
    return answered(TAGS, gold, [[TAGS[i] for i in row] for row in said], words=words), gold, said


@pytest.mark.parametrize("metric", ["accuracy", "macro_f1", "entity_f1"])
def test_tags_are_scored_as_by_their_task_on_all_sentences_and_on_drawn_ones(metric):
    kept, gold, said = tagged(np.random.default_rng(0))
    names = [[[TAGS[i] for i in row] for row in rows] for rows in (said, gold)]
    score = entity_scores if metric == "entity_f1" else tag_scores
    rows = MEASURES[metric].rows(kept, "student")
    assert MEASURES[metric].figure(rows.mean(axis=0)) == pytest.approx(score(*names)[metric])

    drawn = [3, 3, 7, 11, 0]
    expected = score(*([each[i] for i in drawn] for each in names))[metric]
    assert MEASURES[metric].figure(rows[drawn].mean(axis=0)) == pytest.approx(expected)


@pytest.mark.parametrize("metric", ["accuracy", "macro_f1"])
def test_classes_are_scored_as_by_their_task(metric):
    generator = np.random.default_rng(1)
    gold, said = generator.integers(0, 3, (2, 30)).tolist()
    names = ("a", "b", "c", "never")
    kept = answered(names, gold, [names[i] for i in said], text=["x"] * 30)
    rows = MEASURES[metric].rows(kept, "student")
    assert MEASURES[metric].figure(rows.mean(axis=0)) == pytest.approx(classification_scores(said, gold)[metric])


def test_numbers_are_scored_as_by_their_task():
    gold, said = np.random.default_rng(2).normal(3, 1, (2, 30))
    kept = answered(None, gold.tolist(), said.tolist(), text=["x"] * 30)
    rows = MEASURES["pearson"].rows(kept, "student")
    expected = correlation_scores(said.tolist(), gold.tolist())["pearson"]
    assert MEASURES["pearson"].figure(rows.mean(axis=0)) == pytest.approx(expected, abs=1e-6)


def test_halves_are_every_second_sentence_with_its_words():
    kept, gold, _ = tagged(np.random.default_rng(3), 7)
    first, second = kept.half(1), kept.half(2)
    assert (first.examples, second.examples) == (4, 3)
    assert first.answers[GOLD].tolist() == [i for row in gold[::2] for i in row]
    assert second.answers[GOLD].tolist() == [i for row in gold[1::2] for i in row]
    assert kept.half(None) is kept


def test_arrays_give_the_same_answers_back():
    kept, _, _ = tagged(np.random.default_rng(4), 5)
    again = Answered.from_arrays(kept.arrays)
    assert {name: array.tolist() for name, array in again.arrays.items()} == {
        name: array.tolist() for name, array in kept.arrays.items()
    }


def test_labels_are_numbered_alike_whatever_the_order_in_which_teachers_have_them():
    names = np.array(["PER", "O", "LOC"])
    answers = {"gold": np.array([0, 1, 2, 1]), "student": np.array([2, 1, 0, 0])}
    renumbered = {owner: np.array([1, 2, 0])[each] for owner, each in answers.items()}
    one = Answered(answers, names)
    another = Answered(renumbered, np.array(["LOC", "PER", "O"]))

    found = [each.numbered_by_name() for each in (one, another)]
    assert [each.names.tolist() for each in found] == [["LOC", "O", "PER"]] * 2
    assert found[0].answers["student"].tolist() == found[1].answers["student"].tolist() == [0, 1, 2, 2]
    assert found[0].has_labels_of(found[1])
    assert not found[0].has_labels_of(Answered(answers, another.names).numbered_by_name())
