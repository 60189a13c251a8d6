"""The command `hf-multiteacher`."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any, TypeVar

from . import __version__
from .evaluate_hook import METRICS

FINISHED, FAILED = 0, 2
Prepared = TypeVar("Prepared")


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
    _add_push(commands)
    _add_loyalty(commands)
    return parser


def _add_push(commands: Any) -> None:
    push = commands.add_parser("push", help="push a saved student to the Hub, in one commit")
    push.add_argument("folder", help="what the distillation, or save_pretrained, left")
    push.add_argument("repo_id", metavar="ORG/NAME", help="the repository; made if it is not there")
    push.add_argument("--private", action="store_true", default=None, help="refuse a repository that is public")
    push.add_argument("--revision", help="the branch; made if it is not there")
    push.add_argument("--dry-run", action="store_true", help="list the files, and stay off the network")
    push.add_argument("--also", nargs="+", default=[], metavar="PATTERN", help="file names to push besides")
    push.set_defaults(command=_push)


def _add_loyalty(commands: Any) -> None:
    loyalty = commands.add_parser("loyalty", help="how far a fine-tuned student follows its fine-tuned teachers")
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
    loyalty.add_argument("--batch-size", type=int, default=32, help="examples at once")
    loyalty.add_argument("--output-dir", default="loyalty", help="where loyalty.json and loyalty.png are left")
    loyalty.add_argument("--examples", type=int, default=50, help="examples of disagreement in loyalty.json")
    loyalty.add_argument("--confidence", type=float, default=0.95, help="of the bootstrap intervals")
    loyalty.add_argument("--seed", type=int, default=0, help="of the bootstrap intervals")
    space = loyalty.add_argument_group("instead: push the metric")
    space.add_argument("--push-space", metavar="ORG/NAME", help='push it as a Space, for evaluate.load("ORG/NAME")')
    space.add_argument("--metric", choices=METRICS, default="loyalty", help="which metric")
    space.add_argument("--dry-run", action="store_true", help="list the files, and stay off the network")
    loyalty.set_defaults(command=_loyalty)


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
    text = _prepared(lambda: finish(trainer, f"hf-multiteacher distill {parsed.config}"))
    sys.stdout.write(text or "")
    return FAILED if text is None else FINISHED


def _push(parsed: argparse.Namespace) -> int:
    from .hub import push_folder

    options = {"private": parsed.private, "revision": parsed.revision, "also": parsed.also, "dry_run": parsed.dry_run}
    push = _prepared(lambda: push_folder(parsed.folder, parsed.repo_id, **options))
    if push is None:
        return FAILED
    sys.stdout.write("".join(f"{name}\n" for name in push.files))
    said = push.commit_url or f"not pushed to {push.repo_id}: this is a dry run"
    sys.stdout.write(f"{len(push.files)} files, {push.size / 2**20:.2f} MB: {said}\n")
    return FINISHED


def _loyalty(parsed: argparse.Namespace) -> int:
    if parsed.push_space:
        return _push_space(parsed)
    from .loyalty_run import LoyaltyRun

    given = {field.name: getattr(parsed, field.name) for field in fields(LoyaltyRun)}
    report = _prepared(lambda: LoyaltyRun(**given).run())
    if report is None:
        return FAILED
    sys.stdout.write(report)
    return FINISHED


def _push_space(parsed: argparse.Namespace) -> int:
    from .metric_space import push_metric

    push = _prepared(lambda: push_metric(parsed.push_space, parsed.metric, dry_run=parsed.dry_run))
    if push is None:
        return FAILED
    sys.stdout.write("".join(f"{line}\n" for line in [*push.files, push.commit_url or "nothing pushed: a dry run"]))
    return FINISHED


def _prepared(prepare: Callable[[], Prepared]) -> Prepared | None:
    """Return what is ready to run; or say in one line what is wrong with what the user gave, and return None."""
    try:
        return prepare()
    except (OSError, TypeError, ValueError) as error:
        sys.stderr.write(f"hf-multiteacher: {' '.join(str(error).split())}\n")
        return None


if __name__ == "__main__":
    sys.exit(main())
