"""The command `hf-multiteacher evaluate`: the paper's table for any models, or the counts of its data sets."""

import argparse
import sys
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from .exit import FINISHED, user_errors

if TYPE_CHECKING:
    from ..recipes.paper_table import PaperTable

NOT_OF_DESCRIBE = ("models", "seeds", "max_length", "output_dir", "config", "verbose")


def add(commands: Any) -> argparse.ArgumentParser:
    """Describe the command and its options."""
    evaluate = commands.add_parser(
        "evaluate",
        help="the paper's table for any models: seven Romanian tasks, several seeds, beside the published values",
        description="Fine-tune models on the paper's seven Romanian tasks and put their scores beside the published "
        "ones. Any option that is not listed here is one of transformers.TrainingArguments.",
        examples=[
            "hf-multiteacher evaluate --models MODEL --tasks ner sts --seeds 0 1 2",
            "hf-multiteacher evaluate --models MODEL --data synthetic --max_steps 10",
            "hf-multiteacher evaluate --describe --data synthetic",
        ],
        takes_more=True,
    )
    runs = evaluate.add_argument_group("what is run")
    runs.add_argument("--models", nargs="+", metavar="MODEL", help="ids or folders of pretrained models; needed")
    runs.add_argument(
        "--tasks",
        nargs="+",
        default=["all"],
        metavar="TASK",
        help="upos xpos ner sapn sar di sts; by default all of them",
    )
    runs.add_argument("--data", help="a folder with the original files, or `synthetic`; by default downloaded")
    runs.add_argument("--seeds", nargs="+", type=int, metavar="SEED", help="one run for each; by default 0")
    runs.add_argument("--describe", action="store_true", help="only count what the data sets of --data hold")

    training = evaluate.add_argument_group("how it is run")
    training.add_argument(
        "--max-length", metavar="N", type=int, help="tokens per text; by default what a model can read"
    )
    training.add_argument(
        "--config", metavar="YAML", help="training arguments, which options override; by default none"
    )
    training.add_argument(
        "--output-dir", metavar="DIR", help="for results.json and table.md; by default romanian-table"
    )
    training.add_argument(
        "--verbose", action="store_true", default=None, help="show the libraries' own bars, logs and notes"
    )
    return evaluate


def run(parsed: argparse.Namespace) -> int:
    """Make the table or describe the data, print it and return the exit code."""
    if parsed.describe:
        with user_errors():
            text = _description(parsed)
    else:
        text = f"\n{_table(parsed)}\n"

    sys.stdout.write(text)
    return FINISHED


def _description(parsed: argparse.Namespace) -> str:
    from ..romanian.description import describe, format_descriptions

    given = [f"--{name.replace('_', '-')}" for name in NOT_OF_DESCRIBE if getattr(parsed, name) is not None]
    others = [*given, *parsed.training_options]
    if others:
        raise ValueError(f"--describe only counts the data of --data and --tasks. Leave {' '.join(others)} out.")
    return f"{format_descriptions(describe(parsed.data, parsed.tasks))}\n"


def _table(parsed: argparse.Namespace) -> str:
    from ..recipes.terminal.quiet_libraries import quiet_libraries

    with nullcontext() if parsed.verbose else quiet_libraries():
        with user_errors():
            table = _paper_table(parsed)
        return table.run()


def _paper_table(parsed: argparse.Namespace) -> "PaperTable":
    from transformers import TrainingArguments

    from ..recipes.configuration.arguments import read_arguments
    from ..recipes.paper_table import DEFAULTS, PaperTable

    if not parsed.models:
        raise ValueError("evaluate expects --models, one or several ids or folders, or --describe.")

    config = [parsed.config] if parsed.config else []
    output = ["--output_dir", parsed.output_dir] if parsed.output_dir else []
    (args,) = read_arguments([TrainingArguments], [*config, *parsed.training_options, *output], DEFAULTS)

    return PaperTable(
        parsed.models,
        parsed.tasks,
        parsed.seeds or [0],
        data=parsed.data,
        max_length=parsed.max_length,
        args=args,
        verbose=bool(parsed.verbose),
    )
