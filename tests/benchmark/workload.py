"""The batches of a run, written once and read by every contender."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from .examples import draw_examples
from .settings import Settings

Batch = dict[str, Tensor]
ABSENT = {"input_ids": 0, "attention_mask": 0, "labels": -100}


@dataclass(frozen=True)
class Workload:
    """What a contender trains on.

    Attributes:
        folder: What the contenders of a run share.
        settings: Sizes and machine.
        lengths: How long the rows are.
        batches: As the collator of the package made them, trimmed to the longest row.
    """

    folder: Path
    settings: Settings
    lengths: str
    batches: list[Batch]

    @classmethod
    def load(cls, folder: Path, lengths: str) -> "Workload":
        """Read what `write_batches` wrote."""
        return cls(folder, Settings.load(folder), lengths, torch.load(folder / f"{lengths}.pt"))

    def trimmed(self) -> Iterator[Batch]:
        """Yield every batch on the run's device, as wide as its longest row."""
        for batch in self.batches:
            yield {name: values.to(self.settings.device) for name, values in batch.items()}

    def padded(self) -> list[Batch]:
        """Return every batch padded to the full length, on the CPU."""
        return [{name: self._pad(name, values) for name, values in batch.items()} for batch in self.batches]

    def _pad(self, name: str, values: Tensor) -> Tensor:
        missing = self.settings.length - values.shape[1]
        return torch.nn.functional.pad(values, (0, missing), value=ABSENT[name])


def write_batches(settings: Settings, lengths: str, folder: Path) -> None:
    """Draw the examples and masks of a run and write its batches."""
    from .distillation import collator  # the environments of other libraries read the batches without our package

    examples, collate = draw_examples(settings, lengths), collator(settings)
    starts = range(0, len(examples), settings.batch)
    batches = [collate(examples[start : start + settings.batch]) for start in starts]

    torch.save([{name: batch[name] for name in ABSENT} for batch in batches], folder / f"{lengths}.pt")
