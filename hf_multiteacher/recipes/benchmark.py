"""The command `hf-multiteacher benchmark`: models in; how large and how fast they are, as a table and as JSON."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoModel

from ..models.limits import Limits
from ..models.loading import explained, heads_of, load_config
from ..models.task import TASKS
from ..report.benchmark import compare_speed, describe_machine, size_of
from ..report.tables import aligned, format_figure
from ..romanian.synthetic.sentences import generate_corpus
from ..whole_file import write_text
from .pretrained import load_tokenizer

SIZES = {"parameters": "parameters", "megabytes": "MB"}
SPEED = {
    "latency_ms": "p50, ms",
    "latency_p95_ms": "p95, ms",
    "latency_ratio": "x first",
    "texts_per_second": "texts/s",
    "memory_mb": "peak MB",
}
LONGEST_NAME = 22
LINES = 400  # of made-up text: some 20,000 words


@dataclass(frozen=True)
class BenchmarkRun:
    """How large and how fast some models are, side by side.

    Args:
        models: Ids or folders; the latencies of the others are compared with the first one's.
        devices: Where they run; by default on the CPU and, where there is one, on the GPU.
        batch_sizes: Texts at once.
        lengths: Tokens of a text, as the first model's tokenizer counts them.
        rounds: Timed passes of each model for each batch size and length, the models taking turns.
        json: A file for all figures.
    """

    models: Sequence[str]
    devices: Sequence[str] | None = None
    batch_sizes: Sequence[int] = (1, 16)
    lengths: Sequence[int] = (32, 128)
    rounds: int = 20
    json: str | None = None

    def run(self) -> str:
        """Load the models, measure them, and return what was measured as text.

        Raises:
            ValueError: A model cannot be loaded or does not read so many tokens, or a number is below 1.
            OSError: The file cannot be written.
        """
        devices = [_expect_device(name) for name in self.devices or _devices()]
        self._expect_numbers()
        candidates = _named([Candidate.load(source) for source in self.models])
        for length in self.lengths:
            candidates[0].expect_to_read(length)

        measured = {
            "sizes": {each.name: size_of(each.model) for each in candidates},
            "speed": [row for device in devices for row in self._on(device, candidates)],
            "machine": {str(device): describe_machine(device) for device in devices},
        }
        if self.json:
            write_text(Path(self.json), f"{json.dumps(measured, indent=2, ensure_ascii=False)}\n")
        return _text(measured)

    def _expect_numbers(self) -> None:
        numbers = {"batch-size": self.batch_sizes, "length": self.lengths, "rounds": [self.rounds]}
        for name, given in numbers.items():
            if min(given) < 1:
                raise ValueError(f"--{name} must be a whole number from 1 on, got {min(given)}. Give another.")

    def _on(self, device: torch.device, candidates: "Sequence[Candidate]") -> list[dict[str, Any]]:
        """Measure on one device."""
        for each in candidates:
            each.model.to(device)
        shapes = [(batch, length) for length in self.lengths for batch in self.batch_sizes]
        rows = [self._shape(device, candidates, batch, length) for batch, length in shapes]

        for each in candidates:
            each.model.to("cpu")
        return rows

    def _shape(
        self, device: torch.device, candidates: "Sequence[Candidate]", batch: int, length: int
    ) -> dict[str, Any]:
        text = candidates[0].text_of(length)
        inputs = {each.name: each.read(text, batch) for each in candidates}
        models = {each.name: each.model for each in candidates}

        speed = compare_speed(models, inputs, reference=candidates[0].name, rounds=self.rounds)
        tokens = {name: int(read["input_ids"].shape[1]) for name, read in inputs.items()}
        figures = {name: {"tokens": tokens[name], **row} for name, row in speed.items()}
        return {"device": str(device), "batch_size": batch, "length": length, "models": figures}


@dataclass(frozen=True)
class Candidate:
    """A model that takes part.

    Args:
        source: An id or a folder.
        name: What the table calls it.
        model: In float32, with the head that it was saved with.
        tokenizer: The one beside it.
        limits: What it can be given.
    """

    source: str
    name: str
    model: nn.Module
    tokenizer: Any
    limits: Limits

    @classmethod
    def load(cls, source: str) -> "Candidate":
        """Load a model and its tokenizer.

        Raises:
            ValueError: They cannot be loaded.
        """
        tokenizer = load_tokenizer(source, "Model")
        with explained(f"Model '{source}'", "weights"):
            model = _loader(heads_of(load_config(source))).from_pretrained(source, dtype=torch.float32)

        return cls(source, Path(source).name, model.eval(), tokenizer, Limits.of(model))

    @property
    def most(self) -> int:
        """Tokens that it reads at most."""
        return min(self.limits.positions, self.tokenizer.model_max_length)

    def expect_to_read(self, length: int) -> None:
        """Refuse texts that it cannot read.

        Raises:
            ValueError: They are too long.
        """
        if length > self.most:
            raise ValueError(f"--length is {length}, but '{self.source}' reads {self.most} tokens at most. Give less.")

    def text_of(self, length: int) -> str:
        """Return the beginning of made-up text that fills so many tokens."""
        text = " ".join(generate_corpus(LINES))
        read = self.tokenizer(text, truncation=True, max_length=length, return_offsets_mapping=True)
        return text[: max(end for _, end in read["offset_mapping"])]

    def read(self, text: str, batch: int) -> dict[str, Tensor]:
        """Return a text so many times as this model reads it, cut where it reads no more."""
        read = self.tokenizer([text] * batch, truncation=True, max_length=self.most, return_tensors="pt")
        return {name: tensor for name, tensor in read.items() if name in self.limits.inputs}


def _loader(heads: Sequence[str]) -> Any:
    """Return what loads a model with the head that it was saved with, or without one where that is of no task here."""
    known = [task.auto_class for task in TASKS.values() if any(head.endswith(task.class_suffix) for head in heads)]
    return known[0] if known else AutoModel


def _named(candidates: "Sequence[Candidate]") -> "list[Candidate]":
    """Call models by all of their path where the last parts of two are the same."""
    names = [each.name for each in candidates]
    if len({each.source for each in candidates}) < len(candidates):
        raise ValueError(f"benchmark compares models, but one is named twice: {', '.join(names)}. Name each once.")

    same = {name for name in names if names.count(name) > 1}
    return [
        Candidate(each.source, each.source, each.model, each.tokenizer, each.limits) if each.name in same else each
        for each in candidates
    ]


def _devices() -> list[str]:
    return ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


def _expect_device(name: str) -> torch.device:
    """Read the name of a device that is there."""
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (AssertionError, RuntimeError) as error:
        raise ValueError(
            f"--device is '{name}', which is none on this machine. Give one or several of {', '.join(_devices())}."
        ) from error
    return device


# ---- For the screen ----


def _text(measured: Mapping[str, Any]) -> str:
    sizes = [["", *SIZES.values()]]
    sizes += [[_short(name), *(_cell(row[key]) for key in SIZES)] for name, row in measured["sizes"].items()]

    tables = [aligned(sizes), *(_shape_table(row) for row in measured["speed"])]
    machines = "\n".join(f"{device}: {machine}" for device, machine in measured["machine"].items())
    reasons = {value for row in measured["speed"] for model in row["models"].values() for value in model.values()}
    notes = sorted(f"No figure: {reason}." for reason in reasons if isinstance(reason, str))
    return "\n\n".join([*tables, "\n".join([*notes, "MB are 2^20 bytes, weights in 32-bit floats.", machines])])


def _shape_table(row: Mapping[str, Any]) -> str:
    lines = [["", "tokens", *SPEED.values()]]
    for name, figures in row["models"].items():
        lines.append([_short(name), *(_cell(figures[key]) for key in ("tokens", *SPEED))])

    texts = "1 text" if row["batch_size"] == 1 else f"{row['batch_size']} texts"
    return f"{row['device']}, {texts} at once\n{aligned(lines)}"


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"…{name[1 - LONGEST_NAME :]}"


def _cell(value: float | str) -> str:
    return "" if isinstance(value, str) else format_figure(value)
