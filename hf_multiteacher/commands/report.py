"""The command `hf-multiteacher report`: one page about one run or several."""

import argparse
import sys
from pathlib import Path
from typing import Any

from .exit import FINISHED, user_errors


def add(commands: Any) -> argparse.ArgumentParser:
    """Describe the command and its options."""
    report = commands.add_parser(
        "report",
        help="one page about one run or several: quality, cost, loyalty, where they differ",
        description="Write one HTML page about one run or several side by side. It opens without a network.",
        examples=["hf-multiteacher report student", "hf-multiteacher report first second --output both.html"],
    )
    report.add_argument(
        "runs", nargs="+", metavar="RUN", help="what distill left, or the output_dir of a trainer in a script"
    )
    report.add_argument(
        "--output",
        metavar="FILE",
        default="report.html",
        help="the page; an older report there is replaced; by default %(default)s",
    )
    return report


def run(parsed: argparse.Namespace) -> int:
    """Write the page, say where it is and return the exit code."""
    from ..recipes.results.run_folder import read_runs
    from ..report.page.report import Report
    from ..whole_file import write_text

    with user_errors():
        path = Path(parsed.output)
        _expect_replaceable(path)
        write_text(path, Report(read_runs(parsed.runs)).html())

    sys.stdout.write(f"{path}: open it in a browser.\n")
    return FINISHED


def _expect_replaceable(path: Path) -> None:
    from ..report.page.report import is_report

    if path.is_dir() or (path.is_file() and not is_report(path)):
        what = "a folder" if path.is_dir() else "another file than a report"
        raise ValueError(
            f"--output expects a file that is not there yet or is an older report, but '{path}' is {what}, which "
            "would be lost. Name another one."
        )
