"""Quality of a task's predictions, counted over words or examples, whatever the tokenizer."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .tasks import Task
from .windows import merge_windows


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
    return task.definition.score(predictions, references)


def read_predictions(task: Task, output: Any, sentences: Sequence[int] | None = None) -> tuple[list[Any], list[Any]]:
    """Turn a model's outputs into what `compute_task_metrics` takes: predictions and references.

    Args:
        task: The task.
        output: `EvalPrediction` or `PredictionOutput`: `predictions` [examples, (length,) labels] and `label_ids`. Of
            tagging, only tokens with a label count, which are the first tokens of words.
        sentences: Column `sentence` of the windows that were predicted; without it each row is a sentence.
    """
    return read_outputs(output, task.label_names, tagging=task.definition.tagging, sentences=sentences)


def read_outputs(
    output: Any, names: Sequence[str] | None, *, tagging: bool, sentences: Sequence[int] | None = None
) -> tuple[list[Any], list[Any]]:
    """Do as `read_predictions` for a task that is none of the seven.

    Args:
        output: As there.
        names: The names of the labels, by number; None for regression.
        tagging: Whether every word has a label.
        sentences: As there.
    """
    logits = np.asarray(output.predictions[0] if isinstance(output.predictions, tuple) else output.predictions)
    labels: Any = np.asarray(output.label_ids)
    if names is None:
        return logits.reshape(-1).tolist(), labels.reshape(-1).tolist()

    chosen: Any = logits.argmax(axis=-1)
    if not tagging:
        return [names[i] for i in chosen], [names[i] for i in labels]

    order = range(len(labels)) if sentences is None else sentences
    predicted = merge_windows(order, chosen.tolist(), labels.tolist())
    gold = merge_windows(order, labels.tolist(), labels.tolist())
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
