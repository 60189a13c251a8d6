"""Rows of tags: those of a task, noisy ones, and their entities counted by hand."""

import json
from random import Random


def spans(tags):
    """Entities of a BIO2 row as (type, start, end), counted by hand; an I- that continues nothing is none."""
    found, start = [], None
    for position, tag in enumerate([*tags, "O"]):
        if start is not None and tag != "I-" + tags[start][2:]:
            found.append((tags[start][2:], start, position))
            start = None
        if tag.startswith("B-"):
            start = position
    return found


def span_f1(gold, predicted, typed=True):
    """F1 of spans over sentences."""

    def collect(rows):
        return {(i, *(span if typed else span[1:])) for i, row in enumerate(rows) for span in spans(row)}

    one, other = collect(gold), collect(predicted)
    return 2 * len(one & other) / (len(one) + len(other))


def noisy(rows, names, share, seed=0):
    rng = Random(seed)
    return [[rng.choice(names) if rng.random() < share else tag for tag in row] for row in rows]


def tags_of(task, split="validation"):
    return [[task.label_names[i] for i in row] for row in task.data[split]["labels"]]


def file_accuracy(gold, predicted, column):
    """Share of words with the right tag, from two CoNLL-U files alone."""

    def words(path):
        rows = (line.split("\t") for line in path.read_text(encoding="utf-8").split("\n"))
        return [(row[1], row[column]) for row in rows if len(row) == 10 and row[0].isdigit()]

    one, other = words(gold), words(predicted)
    assert [word for word, _ in one] == [word for word, _ in other]
    return sum(a == b for a, b in zip(one, other, strict=True)) / len(one)


def file_f1(gold, predicted, typed):
    """Entity F1 from two RONEC files alone."""
    one, other = (json.loads(path.read_text(encoding="utf-8")) for path in (gold, predicted))
    assert [r["tokens"] for r in one] == [r["tokens"] for r in other]
    return span_f1([r["ner_tags"] for r in one], [r["ner_tags"] for r in other], typed)
