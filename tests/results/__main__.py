"""The command: writes the page and its chart anew from docs/results; `--sizes` and `--add` change those first."""

import argparse
import sys

from .page import FIGURES, PAGE, add_tasks, measured, page, write_page
from .sizes import measure_sizes


def main() -> int:
    """Write what is asked for; without anything, return 1 where the page says something else than the figures."""
    parser = argparse.ArgumentParser(prog="python -m tests.results", description=__doc__)
    parser.add_argument("--write-docs", action="store_true", help="write docs/results.md and its chart")
    parser.add_argument("--sizes", nargs="+", metavar="NAME=MODEL", help="encoders; the student is made of the last")
    parser.add_argument("--layers", type=int, default=4, help="so many layers of it (default: 4)")
    parser.add_argument("--data", default="romanian", help="the folder of the data sets (default: romanian)")
    parser.add_argument("--add", nargs=2, metavar=("NAME", "JSON"), help="put an ablation's tasks into docs/results")
    parsed = parser.parse_args()

    if parsed.sizes:
        models = dict(each.split("=", 1) for each in parsed.sizes)
        measure_sizes(models, [*models][-1], parsed.layers, FIGURES / "sizes.json", parsed.data)
    if parsed.add:
        add_tasks(*parsed.add)
    if parsed.write_docs:
        write_page()
    if parsed.sizes or parsed.add or parsed.write_docs:
        return 0
    return int(PAGE.read_text(encoding="utf-8") != page(measured()))


if __name__ == "__main__":
    sys.exit(main())
