"""The command: writes the page and its chart anew from docs/results; with `--sizes` measures the sizes there first."""

import argparse
import sys

from .page import FIGURES, PAGE, measured, page, write_page
from .sizes import measure_sizes


def main() -> int:
    """Write what is asked for; without anything, return 1 where the page says something else than the figures."""
    parser = argparse.ArgumentParser(prog="python -m tests.results", description=__doc__)
    parser.add_argument("--write-docs", action="store_true", help="write docs/results.md and its chart")
    parser.add_argument("--sizes", nargs="+", metavar="NAME=MODEL", help="encoders; the student is made of the last")
    parser.add_argument("--layers", type=int, default=4, help="so many layers of it (default: 4)")
    parser.add_argument("--data", default="romanian", help="the folder of the data sets (default: romanian)")
    parsed = parser.parse_args()

    if parsed.sizes:
        models = dict(each.split("=", 1) for each in parsed.sizes)
        measure_sizes(models, [*models][-1], parsed.layers, FIGURES / "sizes.json", parsed.data)
    if parsed.write_docs:
        write_page()
    return 0 if parsed.sizes or parsed.write_docs else int(PAGE.read_text(encoding="utf-8") != page(measured()))


if __name__ == "__main__":
    sys.exit(main())
