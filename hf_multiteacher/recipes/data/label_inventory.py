"""Which labels there are, in whose order, and which number each one gets."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from datasets import ClassLabel, Dataset

from ...models.labels import folded
from .listed import MOST, listed

TRAIN = "train"


@dataclass(frozen=True)
class Names:
    """The names of a model's labels.

    Attributes:
        owner: What messages call the model.
        names: In the order of its logits.
        named: Whether they are names, and not only LABEL_0, LABEL_1, ...
    """

    owner: str
    names: Sequence[str]
    named: bool


@dataclass(frozen=True)
class Inventory:
    """The labels of a task.

    Attributes:
        names: In the order of the student's logits.
        number: Label as the data have it -> its number.
        notes: What the user should know of it, a sentence each.
    """

    names: Sequence[str]
    number: Mapping[str, int]
    notes: Sequence[str]


def read_label(value: Any, names: Sequence[str] | None) -> str | None:
    """Return a label as a text; None where there is none.

    Args:
        value: What stands in the data.
        names: What the data themselves call their numbers, as `ClassLabel` does.
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if names and isinstance(value, int) and 0 <= value < len(names):
        return names[value]
    return str(value).strip() or None


def own_names(dataset: Dataset, column: str) -> list[str] | None:
    """Return what a data set calls the numbers in a column, one or a list of them in each row; None if nothing."""
    feature: Any = dataset.features[column]
    feature = feature[0] if isinstance(feature, list) else getattr(feature, "feature", feature)
    return [*feature.names] if isinstance(feature, ClassLabel) else None


def take_inventory(counts: Mapping[str, Counter[str]], teachers: Sequence[Names]) -> Inventory:
    """Put the labels in the order of the teachers that know them, else of the alphabet.

    Args:
        counts: Part of the data -> how often each label stands there, as `read_label` returns it.
        teachers: The fine-tuned teachers; none where they are fine-tuned on these labels.

    Raises:
        ValueError: A teacher does not know a label, or the teachers do not know the same ones.
    """
    found = [*dict.fromkeys(label for count in counts.values() for label in count)]
    if len(found) < 2 and not teachers:
        raise ValueError(
            f"All labels of the data are {listed(found)}, so there is nothing to learn. Check the label column."
        )

    if not teachers:
        ordered = _sorted(found)
        numbers = {label: number for number, label in enumerate(ordered)}
        return Inventory(ordered, numbers, _unseen(counts))

    for teacher in teachers[1:]:
        _expect_same(teachers[0], teacher)
    known = next((teacher for teacher in teachers if teacher.named), None)
    return _of_names(found, known, counts) if known else _of_numbers(found, teachers[0], counts)


def _of_names(found: Sequence[str], teacher: Names, counts: Mapping[str, Counter[str]]) -> Inventory:
    """Number labels by a teacher's names; a number that is no name is the place of one."""
    place = {folded(name): number for number, name in enumerate(teacher.names)}
    numbers = {label: place[folded(label)] for label in found if folded(label) in place}
    notes = []

    if not numbers and all(_is_place(label, len(place)) for label in found):
        numbers = {label: int(label) for label in found}
        meant = ", ".join(f"{number} is {name}" for number, name in enumerate(teacher.names[:MOST]))
        notes.append(f"The labels are numbers: {meant}, as {teacher.owner} has them.")
    if unknown := [label for label in found if label not in numbers]:
        where = ", ".join(part for part, count in counts.items() if any(label in count for label in unknown))
        raise ValueError(
            f"The data have the labels {listed(unknown)} (in {where}), which {teacher.owner} does not know: it has "
            f"{listed(teacher.names)}. Correct the labels, name another label_column, or have the teachers learn "
            "them from pretrained models (fine_tune_teachers: true)."
        )
    return Inventory([*teacher.names], numbers, [*notes, *_unseen(counts)])


def _of_numbers(found: Sequence[str], teacher: Names, counts: Mapping[str, Counter[str]]) -> Inventory:
    """Number labels that are numbers where no teacher has a name for them."""
    wrong = [label for label in found if not _is_place(label, len(teacher.names))]
    if wrong:
        raise ValueError(
            f"The data have the labels {listed(wrong)}, but {teacher.owner} has no names for its "
            f"{len(teacher.names)} labels ({listed(teacher.names)}), so nothing says which is which. Set id2label "
            "and label2id in its config.json, in the order that it was trained with."
        )
    return Inventory([*teacher.names], {label: int(label) for label in found}, _unseen(counts))


def _is_place(label: str, count: int) -> bool:
    return label.isascii() and label.isdigit() and int(label) < count


def _expect_same(first: Names, other: Names) -> None:
    names = [sorted(map(folded, each.names)) for each in (first, other)]
    if (first.named and other.named and names[0] != names[1]) or len(names[0]) != len(names[1]):
        raise ValueError(
            f"The teachers must have the same labels, in any order, but {first.owner} has {listed(first.names)} and "
            f"{other.owner} has {listed(other.names)}: a student cannot follow both. Use teachers for one task."
        )
    if first.named != other.named:
        owner = other.owner if first.named else first.owner
        raise ValueError(
            f"The labels of the teachers cannot be matched: {owner} has no names for its own, but another teacher "
            "has. Set id2label and label2id in its config.json, in the order that it was trained with."
        )


def _unseen(counts: Mapping[str, Counter[str]]) -> list[str]:
    """Tell the labels that a part has and that are never learned from."""
    notes = []
    for part, count in counts.items():
        new = {label: times for label, times in count.items() if label not in counts[TRAIN]}
        if new and part != TRAIN:
            each = ", ".join(f"{label} ({times} times)" for label, times in [*new.items()][:MOST])
            notes.append(f"The part {part} has labels that train never shows: {each}.")
    return notes


def _sorted(labels: Iterable[str]) -> list[str]:
    """Sort labels that are numbers by their size, and others by the alphabet."""
    labels = [*labels]
    by_size = all(label.isascii() and label.isdigit() for label in labels)
    return sorted(labels, key=int if by_size else str)
