"""The trainings that must end in the same weights: every task and kind of data, in every way to cut a step up."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from helpers.toys import TASKS, Toy, make_toy

WAYS = {1: ((1, 16), (4, 4)), 2: ((1, 8), (4, 2)), 4: ((1, 4), (2, 2))}
"""Ranks -> accumulation and batch size: 16 examples a step, all of them."""
STORED = {"even": 48, "a rank with less": 41, "one example left": 33, "fewer than ranks": 3}
"""How an epoch ends -> how many examples it has."""
STREAMED = {end: examples for end, examples in STORED.items() if end != "fewer than ranks"}
"""A stream that has nothing for a rank is refused."""
STEPS = 7
"""Two epochs and a step of 48 examples."""


@dataclass(frozen=True)
class Case:
    """What is trained on.

    Attributes:
        task: One of `TASKS`.
        streamed: Whether the data come as a stream.
        end: How an epoch ends.
        cached: Whether the teachers' outputs are kept on disk, and read again from the second epoch on.
    """

    task: str
    streamed: bool
    end: str
    cached: bool = False

    @property
    def reference(self) -> "Case":
        """The same with live teachers."""
        return replace(self, cached=False)

    def data(self, toy: Toy) -> Any:
        """Return the examples of an epoch."""
        rows = toy.train.select(range(STORED[self.end]))
        return rows.to_iterable_dataset() if self.streamed else rows


def cases(tasks: tuple[str, ...] = TASKS) -> list[Case]:
    """List what is trained on."""
    return [*_cases(tasks)]


def _cases(tasks: tuple[str, ...]) -> Iterator[Case]:
    for task, streamed in product(tasks, (False, True)):
        for end, cached in product(STREAMED if streamed else STORED, (False, True)):
            yield Case(task, streamed, end, cached)


def toy_of(task: str) -> Toy:
    """Make a student, one teacher with its tokenizer and one with another, whose hidden states are compared too."""
    masks = {"mask_rounds": 1} if task == "masked-lm" else {}
    return make_toy(task, examples=48, hidden_state_weight=0.5, **masks)
