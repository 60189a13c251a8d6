"""The command `hf-multiteacher`."""

import argparse
import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..version import __version__
from .exit import FAILED, FINISHED, prepared

if TYPE_CHECKING:
    from ..hub.push import Push
    from ..recipes.paper_table import PaperTable


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
    exact: Any = partial(argparse.ArgumentParser, allow_abbrev=False)
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=exact)

    demo = commands.add_parser("demo", help="the whole job in minutes: two teachers, one student, one table")
    demo.add_argument("--output-dir", default="hf-multiteacher-demo", help="where the student is left")
    demo.add_argument("--seed", type=int, default=0, help="the same seed gives the same figures, latency apart")
    demo.add_argument("--quick", action="store_true", help="a few steps only, to see that everything works")
    demo.set_defaults(command=_demo)

    distill = commands.add_parser("distill", help="distil a masked language model from your text and teachers")
    distill.add_argument("config", help="a YAML file: corpus, teachers, output_dir and training arguments")
    distill.set_defaults(command=_distill)
    _add_push(commands)
    _add_loyalty(commands)
    _add_evaluate(commands)
    return parser


def _add_push(commands: Any) -> None:
    push = commands.add_parser("push", help="push a saved student to the Hub, in one commit")
    push.add_argument("folder", help="what the distillation, or save_pretrained, left")
    push.add_argument("repo_id", metavar="ORG/NAME", help="the repository; made if it is not there")
    push.add_argument(
        "--private", action="store_true", default=None, help="make it private; refuse one that is public"
    )
    push.add_argument("--revision", help="the branch; made if it is not there")
    push.add_argument("--dry-run", action="store_true", help="list the files, and stay off the network")
    push.add_argument("--also", nargs="+", default=[], metavar="PATTERN", help="file names to push besides")
    push.set_defaults(command=_push)


def _add_loyalty(commands: Any) -> None:
    loyalty = commands.add_parser(
        "loyalty",
        help="how far a fine-tuned student follows its fine-tuned teachers",
        argument_default=argparse.SUPPRESS,  # what was not given is not there: the defaults stand in LoyaltyRun
    )
    loyalty.add_argument("teachers", nargs="*", metavar="TEACHER", help="a fine-tuned model: a folder or an id")
    loyalty.add_argument("--student", help="a fine-tuned model: a folder or an id")
    loyalty.add_argument(
        "--task",
        help="upos xpos ner sapn sar di sts, or for your own text the kind of head: "
        "token-classification sequence-classification regression",
    )
    loyalty.add_argument(
        "--data",
        help="upos ... sts: a folder, `synthetic`, or nothing to download; your own text: a "
        "file or folder with one text per line (a tab between two), or the id of a data set",
    )
    loyalty.add_argument("--split", help="part of the data set; by default test, else validation")
    loyalty.add_argument("--max-length", type=int, help="tokens of an example; by default what each model can take")
    loyalty.add_argument("--batch-size", type=int, help="examples at once; by default 32")
    loyalty.add_argument("--output-dir", help="where loyalty.json and loyalty.png are left; by default loyalty")
    loyalty.add_argument("--examples", type=int, help="examples of disagreement in loyalty.json; by default 50")
    loyalty.add_argument("--confidence", type=float, help="of the bootstrap intervals; by default 0.95")
    loyalty.add_argument("--seed", type=int, help="of the bootstrap intervals; by default 0")
    space = loyalty.add_argument_group("instead: push the metric")
    space.add_argument("--push-space", metavar="ORG/NAME", help='push it as a Space, for evaluate.load("ORG/NAME")')
    space.add_argument(
        "--metric", help="loyalty, which is the default, label_loyalty, probability_loyalty or regression_loyalty"
    )
    space.add_argument("--private", action="store_true", help="make it private; refuse one that is public")
    space.add_argument("--revision", help="the branch; made if it is not there")
    space.add_argument("--dry-run", action="store_true", help="list the files, and stay off the network")
    loyalty.set_defaults(command=_loyalty)


def _add_evaluate(commands: Any) -> None:
    evaluate = commands.add_parser(
        "evaluate",
        help="the paper's table for any models: seven Romanian tasks, several seeds, beside the published values",
        epilog="Any other option is one of transformers.TrainingArguments, such as --max_steps 10.",
    )
    evaluate.add_argument("--models", nargs="+", metavar="MODEL", help="ids or folders of pretrained models")
    evaluate.add_argument("--tasks", nargs="+", default=["all"], metavar="TASK", help="upos xpos ner sapn sar di sts")
    evaluate.add_argument("--data", help="a folder with the original files, or `synthetic`; downloaded by default")
    evaluate.add_argument("--seeds", nargs="+", type=int, metavar="SEED", help="one run for each; by default 0")
    evaluate.add_argument("--max-length", "--max_length", type=int, help="tokens per text; what a model can read")
    evaluate.add_argument("--output-dir", "--output_dir", help="results.json and table.md; by default romanian-table")
    evaluate.add_argument("--config", metavar="YAML", help="training arguments; options override them")
    evaluate.add_argument("--describe", action="store_true", help="only count what the data sets of --data hold")
    evaluate.set_defaults(command=_evaluate)


def _demo(parsed: argparse.Namespace) -> int:
    from ..recipes.demo.demo import QUICK, Demo, Scale

    demo = prepared(lambda: Demo(parsed.output_dir, seed=parsed.seed, scale=QUICK if parsed.quick else Scale()))
    if demo is None:
        return FAILED
    return _print(f"\n{demo.run()}\n\nThe student, its card and charts are in {parsed.output_dir}/\n")


def _distill(parsed: argparse.Namespace) -> int:
    from ..recipes.masked_lm import finish, make_trainer, read_config

    trainer = prepared(lambda: make_trainer(*read_config(parsed.config)))
    if trainer is None:
        return FAILED
    trainer.train(resume_from_checkpoint=trainer.args.resume_from_checkpoint)
    return _print(prepared(lambda: finish(trainer, f"hf-multiteacher distill {parsed.config}")))


def _push(parsed: argparse.Namespace) -> int:
    from ..hub.push import push_folder

    def push() -> str:
        """Push what is there; a pattern of nothing is a slip of the pen."""
        if nothing := [pattern for pattern in parsed.also if not [*Path(parsed.folder).glob(pattern)]]:
            raise ValueError(f"--also {', '.join(nothing)} fits no file of '{parsed.folder}'. Correct it.")
        options = {"private": parsed.private, "revision": parsed.revision, "dry_run": parsed.dry_run}
        return _pushed(push_folder(parsed.folder, parsed.repo_id, also=parsed.also, **options))

    return _print(prepared(push))


def _loyalty(parsed: argparse.Namespace) -> int:
    given = {name: value for name, value in vars(parsed).items() if name not in ("command", "training_options")}
    of_push = ("push_space", "metric", "private", "revision", "dry_run")
    pushing: dict[str, Any] = {name: given.pop(name) for name in of_push if name in given}
    if pushing:
        return _print(prepared(lambda: _pushed_metric(pushing, given)))
    from ..recipes.comparison.run import LoyaltyRun

    needed = {"teachers": [], "student": "", "task": ""}
    return _print(prepared(lambda: LoyaltyRun(**needed | given).run()))


def _pushed_metric(pushing: dict[str, Any], measuring: dict[str, Any]) -> str:
    from ..hub.metric_space import push_metric

    if measuring or "push_space" not in pushing:
        names = [name if name == "teachers" else f"--{name.replace('_', '-')}" for name in {**pushing, **measuring}]
        raise ValueError(
            "loyalty either compares models or, with --push-space ORG/NAME, pushes a metric, but got "
            f"{', '.join(names)}. Give the options of one of the two."
        )
    return _pushed(push_metric(pushing.pop("push_space"), **pushing))


def _evaluate(parsed: argparse.Namespace) -> int:
    if parsed.describe:
        return _print(prepared(lambda: _description(parsed)))
    table = prepared(lambda: _paper_table(parsed))
    return FAILED if table is None else _print(f"\n{table.run()}\n")


def _description(parsed: argparse.Namespace) -> str:
    from ..romanian.description import describe, format_descriptions

    names = ("models", "seeds", "max_length", "output_dir", "config")
    given = [f"--{name.replace('_', '-')}" for name in names if getattr(parsed, name) is not None]
    if others := [*given, *parsed.training_options]:
        raise ValueError(f"--describe only counts the data of --data and --tasks. Leave {' '.join(others)} out.")
    return f"{format_descriptions(describe(parsed.data, parsed.tasks))}\n"


def _paper_table(parsed: argparse.Namespace) -> "PaperTable":
    from transformers import TrainingArguments

    from ..recipes.arguments import read_arguments
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
    )


def _pushed(push: "Push") -> str:
    """List the files of a push, and where they are."""
    said = push.commit_url or f"not pushed to {push.repo_id}: this is a dry run"
    return "\n".join([*push.files, f"{len(push.files)} files, {push.size / 2**20:.2f} MB: {said}", ""])


def _print(text: str | None) -> int:
    """Print what was done, and return the exit code; None is what could not be done, which has been said."""
    sys.stdout.write(text or "")
    return FAILED if text is None else FINISHED


if __name__ == "__main__":
    sys.exit(main())
