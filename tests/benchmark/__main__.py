"""The command: measures, prints a table, and keeps what it measured."""

import argparse
import sys
import tempfile
from dataclasses import fields
from pathlib import Path
from typing import Any

from .contenders import CONTENDERS
from .measuring import WHAT, measure_all
from .outcome import add_to, chart
from .page import write_pages
from .settings import DEVICES, LENGTHS, PRECISIONS, Settings, small
from .table import print_tables


def main() -> int:
    """Measure what the flags say."""
    parsed = _parser().parse_args()
    if parsed.write_docs:
        write_pages()
        return 0

    given = {name: value for name in _sizes() if (value := getattr(parsed, name)) is not None}
    settings = small(Settings(**given), **given) if parsed.small else Settings(**given)
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        measured = measure_all(settings, parsed, Path(folder))

    print_tables(measured)
    if parsed.json:
        add_to(parsed.json, measured)
    if parsed.chart:
        chart(measured, parsed.chart)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmark", description=__doc__)
    parser.add_argument("--what", nargs="+", choices=WHAT, default=["steps"], help="what is measured (default: steps)")
    parser.add_argument("--contenders", nargs="+", choices=CONTENDERS, default=CONTENDERS)
    parser.add_argument("--lengths", nargs="+", choices=LENGTHS, default=LENGTHS)
    parser.add_argument("--environment", type=Path, help="the folder of a virtual environment for other libraries")
    parser.add_argument("--small", action="store_true", help="toy size, to try the benchmark in a minute")
    parser.add_argument("--json", type=Path, help="a file for the figures; other parts in it stay")
    parser.add_argument("--chart", type=Path, help="a PNG file")
    parser.add_argument("--write-docs", action="store_true", help="only write the pages from their JSON")

    choices: dict[str, Any] = {"device": DEVICES, "precision": PRECISIONS}
    for name, kind in _sizes().items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=kind, choices=choices.get(name))
    return parser


def _sizes() -> dict[str, Any]:
    return {field.name: type(field.default) for field in fields(Settings)}


if __name__ == "__main__":
    sys.exit(main())
