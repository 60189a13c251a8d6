"""What is measured: sizes, batches, machine. One object, written beside the figures."""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

LENGTHS = ("natural", "grouped", "full")
DEVICES = ("cpu", "cuda")
PRECISIONS = ("fp32", "bf16")
TEMPERATURE = 2.0
SOFT_WEIGHT = HARD_WEIGHT = 0.5
LEARNING_RATE = 5e-5
MAX_GRADIENT_NORM = 1.0


@dataclass(frozen=True)
class Settings:
    """Sizes of models and data; the same for every contender of a run."""

    teachers: int = 2
    teacher_layers: int = 12
    student_layers: int = 6
    hidden: int = 768
    vocabulary: int = 50_000
    dropout: float = 0.1
    batch: int = 8
    length: int = 128
    warmup: int = 2
    steps: int = 6
    rounds: int = 2
    seed: int = 0
    device: str = "cpu"
    precision: str = "fp32"
    threads: int = 1
    sentences: int = 64
    epochs: int = 5
    labels: int = 17
    texts: int = 2000
    loyalty_rows: int = 10_000_000

    @property
    def examples(self) -> int:
        """How many examples the steps read, those that are not counted included."""
        return self.batch * (self.warmup + self.steps)

    def for_ranks(self, ranks: int) -> "Settings":
        """Take so many times as many examples."""
        return replace(self, warmup=ranks * self.warmup, steps=ranks * self.steps)

    def save(self, folder: Path) -> None:
        """Write them where the processes of a run find them."""
        (folder / "settings.json").write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "Settings":
        """Read what `save` wrote."""
        return cls(**json.loads((folder / "settings.json").read_text(encoding="utf-8")))


def small(settings: Settings, **given: Any) -> Settings:
    """Shrink everything to toy size, except what somebody gave."""
    toy = {
        "teacher_layers": 2,
        "student_layers": 1,
        "hidden": 32,
        "vocabulary": 500,
        "batch": 4,
        "length": 32,
        "warmup": 1,
        "steps": 2,
        "rounds": 1,
        "sentences": 16,
        "epochs": 2,
        "texts": 100,
        "loyalty_rows": 100_000,
    }
    return replace(settings, **(toy | given))
