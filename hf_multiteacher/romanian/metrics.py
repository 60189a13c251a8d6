"""Quality of a task's predictions, counted over words or examples, whatever the tokenizer."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy.stats import pearsonr, spearmanr
from seqeval.metrics import f1_score as entity_f1_score
from seqeval.metrics import precision_score, recall_score
from seqeval.scheme import IOB2, Entities
from sklearn.metrics import accuracy_score, f1_score

from .tasks import Task
from .windows import merge_windows

Tags = Sequence[Sequence[str]]


def classification_scores(predictions: Sequence[Any], references: Sequence[Any]) -> dict[str, float]:
    """Accuracy and macro F1, the mean over the labels that occur in predictions or references (scikit-learn).

    Args:
        predictions: Predicted label of each word or example.
        references: Gold labels.
    """
    _check_sizes(len(predictions), len(references))
    return {
        "accuracy": float(accuracy_score(references, predictions)),
        "macro_f1": float(f1_score(references, predictions, average="macro", zero_division=0)),
    }


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
    """
    _check_sizes(len(predictions), len(references))
    gold, predicted = [list(row) for row in references], [list(row) for row in predictions]
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
        ValueError: One of the two is constant, so that there is no correlation.
    """
    _check_sizes(len(predictions), len(references))
    for name, values in (("predictions", predictions), ("references", references)):
        if len(set(values)) < 2:
            raise ValueError(
                f"A correlation needs values that differ, but all {name} are {values[0]}. A model that gives the same "
                f"similarity to every pair has not learned: check its learning rate and its labels."
            )
    return {
        "pearson": float(pearsonr(predictions, references).statistic),
        "spearman": float(spearmanr(predictions, references).statistic),
    }


def _check_sizes(predictions: int, references: int) -> None:
    if predictions != references or not predictions:
        raise ValueError(
            f"Metrics expect one prediction for each of the references, but {predictions} predictions came for "
            f"{references} references. Predict the whole split."
        )


def compute_task_metrics(task: Task, predictions: Sequence[Any], references: Sequence[Any]) -> dict[str, float]:
    """Score predictions for a task.

    Args:
        task: The task.
        predictions: For tagging a list of tags per sentence, for classification a label name per example, for
            regression a number per example.
        references: The same, gold.

    Returns:
        `accuracy` and `macro_f1`; for `ner` `entity_f1` (strict), `entity_precision`, `entity_recall` and
        `boundary_f1`; for `sts` `pearson` and `spearman`. All from 0 to 1, correlations from -1.

    Raises:
        ValueError: Predictions are missing, or a correlation does not exist.
    """
    if task.key == "sts":
        return correlation_scores(predictions, references)
    if task.key == "ner":
        return entity_scores(predictions, references)
    if task.definition.problem == "token-classification":
        _check_sizes(len(predictions), len(references))
        return classification_scores([t for row in predictions for t in row], [t for row in references for t in row])
    return classification_scores(predictions, references)


def read_predictions(task: Task, output: Any, sentences: Sequence[int] | None = None) -> tuple[list[Any], list[Any]]:
    """Turn a model's outputs into what `compute_task_metrics` takes: predictions and references.

    Args:
        task: The task.
        output: `EvalPrediction` or `PredictionOutput`: `predictions` [examples, (length,) labels] and `label_ids`. Of
            tagging, only tokens with a label count, which are the first tokens of words.
        sentences: Column `sentence` of the windows that were predicted; without it each row is a sentence.
    """
    logits = np.asarray(output.predictions[0] if isinstance(output.predictions, tuple) else output.predictions)
    labels: Any = np.asarray(output.label_ids)
    names = task.label_names
    if names is None:
        return logits.reshape(-1).tolist(), labels.reshape(-1).tolist()
    chosen: Any = logits.argmax(axis=-1)
    if task.definition.problem == "sequence-classification":
        return [names[i] for i in chosen], [names[i] for i in labels]
    order = range(len(labels)) if sentences is None else sentences
    predicted, gold = (merge_windows(order, rows.tolist(), labels.tolist()) for rows in (chosen, labels))
    return [[names[i] for i in row] for row in predicted], [[names[i] for i in row] for row in gold]


def trainer_metrics(task: Task, sentences: Sequence[int] | None = None) -> Callable[[Any], dict[str, float]]:
    """Return the `compute_metrics` of a task for `Trainer`.

    Args:
        task: The task.
        sentences: Where long sentences were cut, the column `sentence` of the windows, which must be evaluated in
            their order (not `group_by_length`): the scores are then those of whole sentences.
    """

    def compute(evaluation: Any) -> dict[str, float]:
        """Scores of an `EvalPrediction`."""
        return compute_task_metrics(task, *read_predictions(task, evaluation, sentences))

    return compute
