"""One run in a process of its own, as `distill` does it: `python -m doctor.run CONFIG OUTPUT RESULT`."""

import json
import sys
import time
from pathlib import Path
from typing import Any

import torch

from hf_multiteacher.recipes.configuration.configuration import read_config
from hf_multiteacher.recipes.distillation import plan
from hf_multiteacher.recipes.terminal.progress import Progress
from hf_multiteacher.report.peak_memory import process_peak


class Clocks:
    """Seconds on the wall and of the processors, part by part."""

    def __init__(self) -> None:
        self.parts: dict[str, float] = {}
        self._last = self._now()

    def note(self, part: str) -> None:
        """Add what has passed since the last part to the figures."""
        now = self._now()
        self.parts[f"{part}_seconds"], self.parts[f"{part}_cpu_seconds"] = (
            after - before for before, after in zip(self._last, now, strict=True)
        )
        self._last = now

    @staticmethod
    def _now() -> tuple[float, float]:
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        return time.perf_counter(), time.process_time()


def main(config: str, output: str, result: str) -> None:
    """Distil, and write what it took."""
    clocks = Clocks()
    with Progress(3) as progress:
        distillation = plan(*read_config([config, "--output_dir", output]))
        distillation.prepare(progress)
        clocks.note("preparing")
        distillation.train(progress)
        clocks.note("training")
        distillation.trainer.evaluate()
        clocks.note("evaluation")

    figures: dict[str, Any] = {**clocks.parts, "memory_bytes": _peak(distillation.trainer.args.device)}
    Path(result).write_text(json.dumps(figures), encoding="utf-8")


def _peak(device: torch.device) -> int | None:
    return torch.cuda.max_memory_allocated(device) if device.type == "cuda" else process_peak()


if __name__ == "__main__":
    main(*sys.argv[1:])
