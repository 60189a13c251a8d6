"""The command `hf-multiteacher demo`: the whole job in minutes."""

import argparse
import sys
from typing import Any

from .exit import FINISHED, user_errors


def add(commands: Any) -> argparse.ArgumentParser:
    """Describe the command and its options."""
    demo = commands.add_parser(
        "demo",
        help="the whole job in minutes: two teachers, one student, one table",
        description="Make a corpus, train two teachers, distil a student and compare them all, without a network.",
        examples=["hf-multiteacher demo --quick", "hf-multiteacher demo --seed 1 --output-dir my-first-student"],
    )
    demo.add_argument(
        "--output-dir",
        metavar="DIR",
        default="hf-multiteacher-demo",
        help="where the student is left: a new or empty folder; by default %(default)s",
    )
    demo.add_argument(
        "--seed",
        type=int,
        default=0,
        help="the same seed gives the same figures, latency apart; by default %(default)s",
    )
    demo.add_argument("--quick", action="store_true", help="a few steps only, to see that everything works")
    demo.add_argument("--verbose", action="store_true", help="show the libraries' own bars, logs and notes")
    return demo


def run(parsed: argparse.Namespace) -> int:
    """Run the demo, print its table and return the exit code."""
    from ..recipes.demo.demo import QUICK, Demo, Scale

    with user_errors():
        demo = Demo(
            parsed.output_dir, seed=parsed.seed, scale=QUICK if parsed.quick else Scale(), verbose=parsed.verbose
        )

    table = demo.run()
    folder = parsed.output_dir
    sys.stdout.write(
        f"\n{table}\n\nStudent, card and charts: {folder}/; `hf-multiteacher report {folder}` draws them on a page.\n"
    )
    return FINISHED
