"""Scores of predictions against references, whatever the task: labels, tags, entities, numbers."""

from collections.abc import Sequence
from itertools import chain
from math import nan
from typing import Any

from scipy.stats import pearsonr, spearmanr
from seqeval.metrics import f1_score as entity_f1_score
from seqeval.metrics import precision_score, recall_score
from seqeval.scheme import IOB2, Entities
from sklearn.metrics import accuracy_score, f1_score

Tags = Sequence[Sequence[str]]


class NoCorrelationError(ValueError):
    """All predictions, or all references, are the same: there are no scores, which is no fault of the evaluation."""


def without_correlation() -> dict[str, float]:
    """Return what stands in the place of correlations that do not exist: NaN under the names of `correlation_scores`.

    Example:
        >>> from hf_multiteacher.romanian.scores import without_correlation
        >>> without_correlation()
        {'pearson': nan, 'spearman': nan}
    """
    return {"pearson": nan, "spearman": nan}


def _check_sizes(predictions: Sequence[Any], references: Sequence[Any]) -> None:
    if len(predictions) != len(references) or len(predictions) == 0:
        raise ValueError(
            f"Metrics expect one prediction for each of the references, but {len(predictions)} predictions came for "
            f"{len(references)} references. Predict the whole split."
        )


def classification_scores(predictions: Sequence[Any], references: Sequence[Any]) -> dict[str, float]:
    """Accuracy and macro F1, the mean over the labels that occur in predictions or references (scikit-learn).

    Args:
        predictions: Predicted label of each word or example.
        references: Gold labels.

    Raises:
        ValueError: Predictions are missing.
    """
    _check_sizes(predictions, references)

    return {
        "accuracy": float(accuracy_score(references, predictions)),
        "macro_f1": float(f1_score(references, predictions, average="macro", zero_division=0)),
    }


def tag_scores(predictions: Tags, references: Tags) -> dict[str, float]:
    """Accuracy and macro F1 over the words of all sentences.

    Args:
        predictions: Predicted tags of each sentence.
        references: Gold tags of each sentence.

    Raises:
        ValueError: Predictions are missing.
    """
    _check_sizes(predictions, references)
    return classification_scores([*chain.from_iterable(predictions)], [*chain.from_iterable(references)])


def _untyped(tags: Tags) -> list[list[str]]:
    """The same entities with one type for all, so that scores see their boundaries only."""
    rows = [["O"] * len(row) for row in tags]

    for entities in Entities([list(row) for row in tags], scheme=IOB2).entities:
        for entity in entities:
            row = rows[entity.sent_id]
            row[entity.start : entity.end] = ["B-ENTITY"] + ["I-ENTITY"] * (entity.end - entity.start - 1)
    return rows


def entity_scores(predictions: Tags, references: Tags) -> dict[str, float]:
    """Strict entity F1 and F1 of exact boundaries with the type ignored (seqeval, BIO2).

    An `I-` tag that continues nothing is no entity, in predictions as in references.

    Args:
        predictions: Predicted tags of each sentence.
        references: Gold tags of each sentence.

    Raises:
        ValueError: Predictions are missing.
    """
    _check_sizes(predictions, references)

    gold = [list(row) for row in references]
    predicted = [list(row) for row in predictions]
    strict: dict[str, Any] = {"mode": "strict", "scheme": IOB2, "zero_division": 0}

    return {
        "entity_f1": float(entity_f1_score(gold, predicted, **strict)),
        "entity_precision": float(precision_score(gold, predicted, **strict)),
        "entity_recall": float(recall_score(gold, predicted, **strict)),
        "boundary_f1": float(entity_f1_score(_untyped(gold), _untyped(predicted), **strict)),
    }


def correlation_scores(predictions: Sequence[float], references: Sequence[float]) -> dict[str, float]:
    """Pearson and Spearman correlation (scipy).

    Args:
        predictions: Predicted similarities.
        references: Gold similarities.

    Raises:
        ValueError: Predictions are missing.
        NoCorrelationError: One of the two is constant.
    """
    _check_sizes(predictions, references)

    for name, values in (("predictions", predictions), ("references", references)):
        if len(set(values)) < 2:
            raise NoCorrelationError(
                f"A correlation needs values that differ, but all {name} are {values[0]}. A model that gives the same "
                f"similarity to every pair has not learned: check its learning rate and its labels."
            )

    return {
        "pearson": float(pearsonr(predictions, references).statistic),
        "spearman": float(spearmanr(predictions, references).statistic),
    }
