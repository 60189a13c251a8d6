"""The command `hf-multiteacher benchmark`: how large and how fast models are, side by side."""

import argparse
import sys
from contextlib import nullcontext
from typing import Any

from .exit import FINISHED, user_errors


def add(commands: Any) -> argparse.ArgumentParser:
    """Describe the command and its options."""
    benchmark = commands.add_parser(
        "benchmark",
        help="how large and how fast models are, side by side",
        description="Measure size, latency, throughput and peak memory of models on the same text, in turns.",
        examples=[
            "hf-multiteacher benchmark STUDENT TEACHER",
            "hf-multiteacher benchmark STUDENT TEACHER --device cuda --batch-size 1 64",
        ],
    )
    benchmark.add_argument("models", nargs="+", metavar="MODEL", help="ids or folders; ratios are to the first one")
    benchmark.add_argument(
        "--device",
        nargs="+",
        metavar="NAME",
        help="cpu, cuda, cuda:1 ...; by default cpu, and cuda where there is one",
    )
    benchmark.add_argument(
        "--batch-size", nargs="+", type=int, default=[1, 16], metavar="N", help="texts at once; by default 1 and 16"
    )
    benchmark.add_argument(
        "--length",
        nargs="+",
        type=int,
        default=[32, 128],
        metavar="N",
        help="tokens of a text, as the first model counts them; by default 32 and 128",
    )
    benchmark.add_argument(
        "--rounds", type=int, default=20, metavar="N", help="timed passes of each model; by default 20"
    )
    benchmark.add_argument("--json", metavar="FILE", help="where all figures are left; by default nowhere")
    benchmark.add_argument("--verbose", action="store_true", help="show the libraries' own bars and notes too")
    return benchmark


def run(parsed: argparse.Namespace) -> int:
    """Measure, print the table and return the exit code."""
    from ..recipes.benchmark import BenchmarkRun
    from ..recipes.terminal.quiet_libraries import quiet_libraries

    asked = BenchmarkRun(
        parsed.models, parsed.device, parsed.batch_size, parsed.length, rounds=parsed.rounds, json=parsed.json
    )
    with nullcontext() if parsed.verbose else quiet_libraries(), user_errors():
        measured = asked.run()

    sys.stdout.write(f"{measured}\n")
    return FINISHED
