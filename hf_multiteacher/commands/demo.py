"""The command `hf-multiteacher demo`: the whole job in minutes."""

import argparse
import sys
from typing import Any

from .exit import FINISHED, user_errors


def add(commands: Any) -> argparse.ArgumentParser:
    """Describe the command and its options."""
    demo = commands.add_parser("demo", help="the whole job in minutes: two teachers, one student, one table")
    demo.add_argument("--output-dir", default="hf-multiteacher-demo", help="where the student is left")
    demo.add_argument("--seed", type=int, default=0, help="the same seed gives the same figures, latency apart")
    demo.add_argument("--quick", action="store_true", help="a few steps only, to see that everything works")
    demo.add_argument("--verbose", action="store_true", help="show what the libraries have to say of it")
    return demo


def run(parsed: argparse.Namespace) -> int:
    """Run the demo, print its table and return the exit code."""
    from ..recipes.demo.demo import QUICK, Demo, Scale

    with user_errors():
        demo = Demo(
            parsed.output_dir, seed=parsed.seed, scale=QUICK if parsed.quick else Scale(), verbose=parsed.verbose
        )

    table = demo.run()
    sys.stdout.write(f"\n{table}\n\nThe student, its card and charts are in {parsed.output_dir}/\n")
    return FINISHED
