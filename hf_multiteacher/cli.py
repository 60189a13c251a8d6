"""The command `hf-multiteacher`."""

import argparse
import os
import sys
from collections.abc import Sequence

from . import __version__
from .command_line import FAILED, FINISHED
from .command_line import prepared as _prepared


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `hf-multiteacher` and return its exit code; what the user can mend is one line, and code 2.

    Args:
        arguments: The words after the command's name; those of the command line by default.
    """
    parsed = _parser().parse_args(arguments)
    # Threads that wait actively for one another make small models many times slower; torch reads this when imported.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    return parsed.command(parsed)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="hf-multiteacher", description="Distil one student from several teachers.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    demo = commands.add_parser("demo", help="the whole job in minutes: two teachers, one student, one table")
    demo.add_argument("--output-dir", default="hf-multiteacher-demo", help="where the student is left")
    demo.add_argument("--seed", type=int, default=0, help="the same seed gives the same figures, latency apart")
    demo.add_argument("--quick", action="store_true", help="a few steps only, to see that everything works")
    demo.set_defaults(command=_demo)

    distill = commands.add_parser("distill", help="distil a masked language model from your text and teachers")
    distill.add_argument("config", help="a YAML file: corpus, teachers, output_dir and training arguments")
    distill.set_defaults(command=_distill)
    return parser


def _demo(parsed: argparse.Namespace) -> int:
    from .demo import QUICK, Demo, Scale

    demo = _prepared(lambda: Demo(parsed.output_dir, seed=parsed.seed, scale=QUICK if parsed.quick else Scale()))
    if demo is None:
        return FAILED
    sys.stdout.write(f"\n{demo.run()}\n\nThe student, its card and charts are in {parsed.output_dir}/\n")
    return FINISHED


def _distill(parsed: argparse.Namespace) -> int:
    from .distillation import finish, make_trainer, read_config

    trainer = _prepared(lambda: make_trainer(*read_config(parsed.config)))
    if trainer is None:
        return FAILED
    trainer.train(resume_from_checkpoint=trainer.args.resume_from_checkpoint)
    sys.stdout.write(finish(trainer))
    return FINISHED


if __name__ == "__main__":
    sys.exit(main())
