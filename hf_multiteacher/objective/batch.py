"""A batch that knows its rows: found on the CPU where it is collated, so that no device is waited for in a step."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from .row_finder import RowFinder
from .rows import MODEL_INPUTS, OF_A_TEACHER, Rows


class Batch(dict[str, Any]):
    """What a collator returns, and the rows in it, which travel with it.

    They are no entry of it, as scripts hand all entries to a model. Whoever exchanges or changes a tensor that they
    come from, or makes another dict of it, has them found anew.

    Args:
        inputs: The collated batch.
        finder: What has found the rows; None where they are not known.
        rows: Those of `inputs`.
    """

    def __init__(self, inputs: Mapping[str, Any], finder: RowFinder | None = None, rows: Rows | None = None) -> None:
        super().__init__(inputs)
        self._finder, self._rows = finder, rows
        self._sources = _sources_of(self)

    def rows_for(self, finder: RowFinder) -> Rows | None:
        """Return the rows that a finder would find; None where they are not known."""
        sources = _sources_of(self)
        same = sources.keys() == self._sources.keys() and all(
            value is self._sources[name][0] and version == self._sources[name][1]
            for name, (value, version) in sources.items()
        )
        return self._rows if same and finder == self._finder else None

    def each(self, function: Callable[[Tensor], Tensor], inputs: Mapping[str, Any] | None = None) -> "Batch":
        """Do something to every tensor, those of the rows included, that does not change what it holds.

        Args:
            function: Such as bringing it to a device.
            inputs: The entries to which it was done already, if it was.
        """
        if inputs is None:
            inputs = {name: function(each) if isinstance(each, Tensor) else each for name, each in self.items()}
        rows = None if self._finder is None else self.rows_for(self._finder)
        return Batch(inputs, self._finder, None if rows is None else rows.each(function))

    def to(self, device: torch.device | str, non_blocking: bool = False) -> "Batch":
        """Bring everything to a device, as accelerate asks of what it does not look into."""
        return self.each(lambda tensor: tensor.to(device, non_blocking=non_blocking))

    def pin_memory(self) -> "Batch":
        """Bring everything to memory from which a GPU copies by itself, as torch's loader asks."""
        return self.each(Tensor.pin_memory)

    def __reduce__(self) -> Any:
        """Come from a worker with tensors of the process that reads them."""
        rows = None if self._finder is None else self.rows_for(self._finder)
        return Batch, (dict(self), self._finder, rows)


def _sources_of(inputs: Mapping[str, Any]) -> dict[str, tuple[Any, int]]:
    """Return what rows come from, and how often each tensor was changed in place."""
    return {
        name: (value, getattr(value, "_version", 0))
        for name, value in inputs.items()
        if name in (*MODEL_INPUTS, "labels") or OF_A_TEACHER.match(name)
    }


@dataclass(frozen=True)
class WithRows:
    """A collator whose batches know their rows, where they are plain dicts.

    Args:
        collator: What makes the batches.
        finder: What finds the rows.
    """

    collator: Callable[[list[Any]], Any]
    finder: RowFinder

    def __call__(self, features: list[Any]) -> Any:
        """Make a batch."""
        batch = self.collator(features)
        return Batch(batch, self.finder, self.finder(batch)) if type(batch) is dict else batch
