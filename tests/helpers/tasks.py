"""A task of the user's own, as recipes have it once its files are read."""

from datasets import Dataset

from hf_multiteacher.recipes.data.task_data import TaskData


def own_task(data: Dataset, label_names):
    """A task that is trained and measured on the same examples, and has no score."""
    return TaskData(
        train=data,
        test=data,
        part="test",
        label_names=label_names,
        score=lambda *each: {},
        metric="x",
        title="own",
        measured_title="own",
    )
