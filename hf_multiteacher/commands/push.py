"""The command `hf-multiteacher push`: a saved student to the Hub."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .exit import FINISHED, user_errors

if TYPE_CHECKING:
    from ..hub.push import Push


def add(commands: Any) -> argparse.ArgumentParser:
    """Describe the command and its options."""
    push = commands.add_parser(
        "push",
        help="push a saved student to the Hub, in one commit",
        description="Push a saved student with its tokenizer and card to the Hub, in one commit.",
        examples=[
            "hf-multiteacher push FOLDER ORG/NAME --dry-run",
            "hf-multiteacher push FOLDER ORG/NAME --private",
        ],
    )
    push.add_argument("folder", metavar="FOLDER", help="what the distillation, or save_pretrained, left")
    push.add_argument("repo_id", metavar="ORG/NAME", help="the repository; made if it is not there")

    files = push.add_argument_group("what is pushed")
    files.add_argument(
        "--also",
        nargs="+",
        default=[],
        metavar="PATTERN",
        help="names of files to push besides; by default only what loads the student, its card and charts",
    )
    files.add_argument("--dry-run", action="store_true", help="list the files, and stay off the network")

    where = push.add_argument_group("where it goes")
    where.add_argument("--revision", metavar="BRANCH", help="made if it is not there; by default main")
    where.add_argument(
        "--private", action="store_true", default=None, help="make it private; refuse one that is public"
    )
    return push


def run(parsed: argparse.Namespace) -> int:
    """Push, list what was pushed and return the exit code."""
    from ..hub.push import push_folder

    with user_errors():
        _check_patterns(parsed.folder, parsed.also)
        push = push_folder(
            parsed.folder,
            parsed.repo_id,
            private=parsed.private,
            revision=parsed.revision,
            dry_run=parsed.dry_run,
            also=parsed.also,
        )

    sys.stdout.write(listing(push))
    return FINISHED


def listing(push: "Push") -> str:
    """List the files of a push, and say where they are."""
    place = push.commit_url or f"not pushed to {push.repo_id}: this is a dry run"
    total = f"{len(push.files)} files, {push.size / 2**20:.2f} MB: {place}"
    return "\n".join([*push.files, total, ""])


def _check_patterns(folder: str, patterns: list[str]) -> None:
    """Refuse a pattern of nothing, which is a slip of the pen."""
    nothing = [pattern for pattern in patterns if not _fits(folder, pattern)]
    if nothing:
        raise ValueError(f"--also {', '.join(nothing)} fits no file of '{folder}'. Correct it.")


def _fits(folder: str, pattern: str) -> bool:
    try:
        return any(Path(folder).glob(pattern))
    except (NotImplementedError, ValueError):  # an absolute pattern, or an empty one
        return False
