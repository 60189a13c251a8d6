"""A task of which few examples keep their labels: how much labelled data are worth, and what teachers make up for."""

from dataclasses import replace

import numpy as np
from datasets import Dataset

from .task_data import TaskData
from .unlabelled_text import without_labels

SEED = 0
"""Of the draw, the same for every run: teachers and students of one task know the same labels."""


def keep_labels(task: TaskData, number: int) -> tuple[TaskData, Dataset]:
    """Take the labels from all examples of the training part but so many.

    Args:
        task: All of it.
        number: How many examples keep their labels.

    Returns:
        The task with these examples alone, and the others without their labels, both in the order of the draw.

    Raises:
        ValueError: There are not so many.
    """
    rows = len(task.train)
    if number > rows:
        raise ValueError(
            f"labelled_rows is {number}, but the training part has {rows} examples. Give no more, or leave it out."
        )

    order = np.random.default_rng(SEED).permutation(rows)
    labelled, others = (task.train.select(part) for part in (order[:number], order[number:]))
    return replace(task, train=labelled), without_labels(others, task)
