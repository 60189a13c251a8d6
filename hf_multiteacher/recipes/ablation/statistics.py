"""The main figure of a task as a function of means over examples, so that drawing other examples costs a product."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import numpy as np
from seqeval.scheme import IOB2, Entities

from ...loyalty import correlation, moments
from .answered import GOLD, Answered


@dataclass(frozen=True)
class Measure:
    """A figure from means over examples.

    Attributes:
        rows: Answers and a model -> statistics of each example, [examples, statistics].
        figure: Means of these [..., statistics] -> figures [...].
    """

    rows: Callable[[Answered, str], np.ndarray]
    figure: Callable[[np.ndarray], np.ndarray]


def _correct(answered: Answered, owner: str) -> np.ndarray:
    """Correct answers, and all: of an example one, of a sentence its words."""
    correct = answered.answers[owner] == answered.answers[GOLD]
    return _per_example(answered, np.stack([correct, np.ones_like(correct)], axis=-1).astype(np.float64))


def _of_all(means: np.ndarray) -> np.ndarray:
    correct, number = np.moveaxis(means, -1, 0)
    return correct / number


def _by_class(answered: Answered, owner: str) -> np.ndarray:
    """For each class whether it is the answer and the label, the answer, the label; [examples, 3 * classes]."""
    classes = np.arange(0 if answered.names is None else len(answered.names))
    said, gold = (answered.answers[name][:, None] == classes for name in (owner, GOLD))
    return _per_example(answered, np.concatenate([said & gold, said, gold], axis=-1).astype(np.float64))


def _macro_f1(means: np.ndarray) -> np.ndarray:
    """Mean of the F1 of the classes that occur, as scikit-learn has it."""
    both, said, gold = np.split(means, 3, axis=-1)
    occur = said + gold > 0
    scores = np.divide(2 * both, said + gold, out=np.zeros_like(both), where=occur)
    return scores.sum(axis=-1) / occur.sum(axis=-1)


def _entities(answered: Answered, owner: str) -> np.ndarray:
    """Entities that are both answered and there, answered, there; of each sentence, strictly BIO2."""
    said, gold = (_entities_of(answered, name) for name in (owner, GOLD))
    return np.array([[len(a & b), len(a), len(b)] for a, b in zip(said, gold, strict=True)], np.float64)


def _entities_of(answered: Answered, owner: str) -> list[set[tuple[int, int, str]]]:
    names, lengths = cast(np.ndarray, answered.names), cast(np.ndarray, answered.lengths)  # which tagging has
    sentences = np.split(names[answered.answers[owner]], np.cumsum(lengths)[:-1])
    found = Entities([sentence.tolist() for sentence in sentences], scheme=IOB2).entities
    return [{(each.start, each.end, each.tag) for each in sentence} for sentence in found]


def _f1(means: np.ndarray) -> np.ndarray:
    both, said, gold = np.moveaxis(means, -1, 0)
    return np.divide(2 * both, said + gold, out=np.zeros_like(both), where=said + gold > 0)


def _moments(answered: Answered, owner: str) -> np.ndarray:
    return np.concatenate([*moments(answered.answers[owner], answered.answers[GOLD])])


def _per_example(answered: Answered, values: np.ndarray) -> np.ndarray:
    """Add up what is said of the words of a sentence."""
    if answered.lengths is None:
        return values
    return np.add.reduceat(values, np.cumsum(answered.lengths) - answered.lengths)


MEASURES = {
    "accuracy": Measure(_correct, _of_all),
    "macro_f1": Measure(_by_class, _macro_f1),
    "entity_f1": Measure(_entities, _f1),
    "pearson": Measure(_moments, correlation),
}
"""The main figures of all tasks."""
