"""The command `hf-multiteacher`."""

import argparse
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from . import __version__
from .command_line import FAILED, FINISHED
from .command_line import prepared as _prepared

if TYPE_CHECKING:
    from .paper_table import PaperTable


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `hf-multiteacher` and return its exit code; what the user can mend is one line, and code 2.

    Args:
        arguments: The words after the command's name; those of the command line by default.
    """
    parser = _parser()
    parsed, others = parser.parse_known_args(arguments)
    parsed.training_options = others
    if others and parsed.command is not _evaluate:
        parser.error(f"unrecognized arguments: {' '.join(others)}")
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

    evaluate = commands.add_parser(
        "evaluate",
        help="the paper's table for any models: seven Romanian tasks, several seeds, beside the published values",
        epilog="Any other option is one of transformers.TrainingArguments, such as --max_steps 10.",
        allow_abbrev=False,
    )
    evaluate.add_argument("--models", nargs="+", metavar="MODEL", help="ids or folders of pretrained models")
    evaluate.add_argument("--tasks", nargs="+", default=["all"], metavar="TASK", help="upos xpos ner sapn sar di sts")
    evaluate.add_argument("--data", help="a folder with the original files, or `synthetic`; downloaded by default")
    evaluate.add_argument("--seeds", nargs="+", type=int, default=[0], metavar="SEED", help="one run for each")
    evaluate.add_argument("--max-length", "--max_length", type=int, help="tokens per text; what a model can read")
    evaluate.add_argument("--output-dir", "--output_dir", default="romanian-table", help="results.json and table.md")
    evaluate.add_argument("--config", metavar="YAML", help="training arguments; options override them")
    evaluate.add_argument("--describe", action="store_true", help="only count what the data sets hold")
    evaluate.set_defaults(command=_evaluate)
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


def _evaluate(parsed: argparse.Namespace) -> int:
    from .romanian.description import describe, format_descriptions

    if parsed.describe:
        described = _prepared(lambda: describe(parsed.data))
        if described is None:
            return FAILED
        sys.stdout.write(f"{format_descriptions(described)}\n")
        return FINISHED
    table = _prepared(lambda: _paper_table(parsed))
    if table is None:
        return FAILED
    sys.stdout.write(f"\n{table.run()}\n")
    return FINISHED


def _paper_table(parsed: argparse.Namespace) -> "PaperTable":
    from transformers import TrainingArguments

    from .arguments import read_arguments
    from .paper_table import DEFAULTS, PaperTable

    if not parsed.models:
        raise ValueError("evaluate expects --models, one or several ids or folders, or --describe.")
    words = [parsed.config] if parsed.config else []
    (args,) = read_arguments([TrainingArguments], [*words, *parsed.training_options], DEFAULTS)
    return PaperTable(
        parsed.models,
        parsed.tasks,
        parsed.seeds,
        data=parsed.data,
        max_length=parsed.max_length,
        args=args,
        output_dir=parsed.output_dir,
    )


if __name__ == "__main__":
    sys.exit(main())
