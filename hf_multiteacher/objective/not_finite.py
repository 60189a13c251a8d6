"""Which components of a batch are NaN or infinite, and on which examples: for the message of a training that stops."""

import reprlib
from collections.abc import Mapping

from torch import Tensor

from .components import Component
from .row_sets import sums_per_example
from .rows import Inputs


def examples_not_finite(
    components: Mapping[str, Component], sets: Mapping[str, Tensor], inputs: Inputs
) -> dict[str, list[str]]:
    """Name the examples of a batch on which components are NaN or infinite; a GPU is waited for.

    Args:
        components: Those that take part in the loss.
        sets: The rows of every set, as `row_sets` marks them.
        inputs: The collated batch.

    Returns:
        Component -> its examples, by their place in the batch and their first tokens; without those that are finite.
    """
    found = {}
    for name, component in components.items():
        sums = sums_per_example(component.values.detach(), _rows_of(component, sets))[:, 0]
        if places := (~sums.isfinite()).nonzero().flatten().tolist():
            found[name] = [_example(place, inputs) for place in places]

    return found


def _rows_of(component: Component, sets: Mapping[str, Tensor]) -> Tensor:
    """Return the rows that a component has values of: those of its set, or all of the batch."""
    rows = sets[component.row_set or "rows"]
    return rows if int(rows.sum()) == len(component.values) else sets["rows"]


def _example(place: int, inputs: Inputs) -> str:
    tokens = inputs["input_ids"][place].tolist()
    return f"row {place} (tokens {reprlib.repr(tokens)})"
