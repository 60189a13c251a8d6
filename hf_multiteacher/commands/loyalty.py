"""The command `hf-multiteacher loyalty`: a student beside its teachers, or a metric as a Space."""

import argparse
import sys
from typing import Any

from .exit import FINISHED, user_errors
from .push import listing

OF_PUSH = ("push_space", "metric", "private", "revision", "dry_run")
OF_EVERY_COMMAND = ("run", "training_options")


def add(commands: Any) -> argparse.ArgumentParser:
    """Describe the command and its options."""
    loyalty = commands.add_parser(
        "loyalty",
        help="how far a fine-tuned student follows its fine-tuned teachers",
        description="Measure how far a fine-tuned student follows its fine-tuned teachers on the same examples.",
        examples=[
            "hf-multiteacher loyalty TEACHER-1 TEACHER-2 --student STUDENT --task ner",
            "hf-multiteacher loyalty --push-space ORG/NAME --metric label_loyalty",
        ],
        argument_default=argparse.SUPPRESS,  # what was not given is not there: the defaults stand in LoyaltyRun
    )
    _add_comparison(loyalty)
    _add_push(loyalty.add_argument_group("instead: push the metric"))
    return loyalty


def _add_comparison(loyalty: argparse.ArgumentParser) -> None:
    loyalty.add_argument("teachers", nargs="*", metavar="TEACHER", help="a fine-tuned model: a folder or an id")
    loyalty.add_argument("--student", metavar="MODEL", help="a fine-tuned model: a folder or an id; needed")
    loyalty.add_argument(
        "--task",
        help="upos xpos ner sapn sar di sts, or for your own text the kind of head: "
        "token-classification text-classification regression; needed",
    )

    examples = loyalty.add_argument_group("what is read")
    examples.add_argument(
        "--data",
        help="upos ... sts: a folder, `synthetic`, or by default nothing, to download; your own text: the files that "
        "distill takes, a file or folder with one text per line (a tab between two), or the id of a data set",
    )
    for name, what in (("text", "texts"), ("second-text", "second texts"), ("words", "words")):
        examples.add_argument(
            f"--{name}-column", metavar="NAME", help=f"the column with the {what}; by default found by its name"
        )
    examples.add_argument("--split", help="part of the data set; by default test, else validation")
    examples.add_argument(
        "--max-length", metavar="N", type=int, help="tokens of an example; by default what each model can take"
    )
    examples.add_argument("--batch-size", metavar="N", type=int, help="examples at once; by default 32")

    result = loyalty.add_argument_group("what is left")
    result.add_argument(
        "--output-dir", metavar="DIR", help="where loyalty.json and loyalty.png are left; by default loyalty"
    )
    result.add_argument(
        "--examples", metavar="N", type=int, help="examples of disagreement in loyalty.json; by default 50"
    )
    result.add_argument(
        "--confidence", metavar="SHARE", type=float, help="of the bootstrap intervals; by default 0.95"
    )
    result.add_argument("--seed", type=int, help="of the bootstrap intervals; by default 0")


def _add_push(space: Any) -> None:
    space.add_argument("--push-space", metavar="ORG/NAME", help='push it as a Space, for evaluate.load("ORG/NAME")')
    space.add_argument("--metric", help="label_loyalty, probability_loyalty, regression_loyalty; by default loyalty")
    space.add_argument("--private", action="store_true", help="make it private; refuse one that is public")
    space.add_argument("--revision", metavar="BRANCH", help="made if it is not there; by default main")
    space.add_argument("--dry-run", action="store_true", help="list the files, and stay off the network")


def run(parsed: argparse.Namespace) -> int:
    """Compare models, or push a metric; print what was done and return the exit code."""
    given = {name: value for name, value in vars(parsed).items() if name not in OF_EVERY_COMMAND}
    pushing = {name: given.pop(name) for name in OF_PUSH if name in given}

    sys.stdout.write(_push_metric(pushing, given) if pushing else _compare(given))
    return FINISHED


def _compare(given: dict[str, Any]) -> str:
    from ..recipes.comparison.run import LoyaltyRun
    from ..recipes.terminal.quiet_libraries import quiet_libraries

    needed = {"teachers": [], "student": "", "task": ""}
    with user_errors(), quiet_libraries():
        return LoyaltyRun(**needed | given).run()


def _push_metric(pushing: dict[str, Any], measuring: dict[str, Any]) -> str:
    from ..hub.metric_space import push_metric

    with user_errors():
        _refuse_both(pushing, measuring)
        return listing(push_metric(pushing.pop("push_space"), **pushing))


def _refuse_both(pushing: dict[str, Any], measuring: dict[str, Any]) -> None:
    if measuring or "push_space" not in pushing:
        names = [name if name == "teachers" else f"--{name.replace('_', '-')}" for name in {**pushing, **measuring}]
        raise ValueError(
            "loyalty either compares models or, with --push-space ORG/NAME, pushes a metric, but got "
            f"{', '.join(names)}. Give the options of one of the two."
        )
