"""The command `hf-multiteacher`."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from typing import TypeVar

from . import __version__

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

    push = commands.add_parser("push", help="push a saved student to the Hub, in one commit")
    push.add_argument("folder", help="what the distillation, or save_pretrained, left")
    push.add_argument("repo_id", metavar="ORG/NAME", help="the repository; made if it is not there")
    push.add_argument("--private", action="store_true", default=None, help="refuse a repository that is public")
    push.add_argument("--revision", help="the branch; made if it is not there")
    push.add_argument("--dry-run", action="store_true", help="list the files, and stay off the network")
    push.add_argument("--also", nargs="+", default=[], metavar="PATTERN", help="file names to push besides")
    push.set_defaults(command=_push)
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


def _prepared(prepare: Callable[[], Prepared]) -> Prepared | None:
    """Return what is ready to run; or say in one line what is wrong with what the user gave, and return None."""
    try:
        return prepare()
    except (OSError, TypeError, ValueError) as error:
        sys.stderr.write(f"hf-multiteacher: {' '.join(str(error).split())}\n")
        return None


if __name__ == "__main__":
    sys.exit(main())
