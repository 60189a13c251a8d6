"""What the Romanian data sets hold: examples, lengths and labels of each split."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from .datasets import SOURCES
from .definition import Definition
from .loading import count_labels, unseen_labels
from .source import Record
from .splits import is_there, read_splits
from .tasks import definitions_of

_MOST_LABELS = 6


@dataclass(frozen=True)
class Description:
    """One split of one task, as it was published.

    Attributes:
        task: Key of the task.
        split: `train`, `validation` or `test`.
        examples: Sentences, texts or pairs.
        words: Words in all of them; of texts, stretches between spaces.
        median_words: Words of the median example; of pairs, of its longer text.
        most_words: Words of the longest example.
        labels: How often each label occurs; empty for regression.
        unseen: How many label names never occur in `train`.
    """

    task: str
    split: str
    examples: int
    words: int
    median_words: float
    most_words: int
    labels: dict[str, int]
    unseen: int


def _lengths(definition: Definition, record: Record) -> list[int]:
    texts = [record[column] for column in definition.text_columns]
    return [len(text.split()) if isinstance(text, str) else len(text) for text in texts]


def _describe_split(definition: Definition, split: str, records: list[Record], unseen: Counter[str]) -> Description:
    lengths = [_lengths(definition, record) for record in records]
    longer = [max(length) for length in lengths]

    return Description(
        task=definition.key,
        split=split,
        examples=len(records),
        words=sum(map(sum, lengths)),
        median_words=median(longer),
        most_words=max(longer),
        labels=dict(sorted(count_labels(definition, records).items())),
        unseen=len(unseen),
    )


def describe(data_dir: str | Path | None, tasks: Sequence[str] = ("all",)) -> list[Description]:
    """Count examples, words and labels of every split of the tasks.

    The splits are those of the files: nothing is held out and no tag is mapped.

    Args:
        data_dir: As for `load_task`.
        tasks: Keys of tasks; `all` for those whose data are there.

    Raises:
        ValueError: There is no such task, or a file is damaged.
        OSError: The data of a task that is named are not there, or none at all.
    """
    chosen = [task for task in definitions_of(tasks) if task.key in tasks or is_there(task.source, data_dir)]
    if not chosen:
        raise FileNotFoundError(
            f"{data_dir} is not the folder of a data set, and holds none of the folders {', '.join(SOURCES)}. Give "
            "the folder of the original files, or none to download them."
        )

    rows = []
    for definition in chosen:
        splits = read_splits(definition.source, data_dir)
        unseen = unseen_labels(definition, splits)

        for split, records in splits.items():
            rows.append(_describe_split(definition, split, records, unseen.get(split, Counter())))
    return rows


def format_descriptions(rows: list[Description]) -> str:
    """Lay the counts out as a Markdown table; of long label lists only the number of labels is shown."""
    lines = ["| task | split | examples | words | median | longest | labels |", "|---|---|--:|--:|--:|--:|---|"]

    for row in rows:
        labels = ", ".join(f"{name}: {count}" for name, count in row.labels.items())
        if len(row.labels) > _MOST_LABELS:
            labels = f"{len(row.labels)} tags" + (f", {row.unseen} not in train" if row.unseen else "")

        cells = (row.task, row.split, row.examples, row.words, f"{row.median_words:g}", row.most_words, labels)
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)
