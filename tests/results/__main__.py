"""The command: writes the page and its chart anew from docs/results, or changes what is stored there."""

import argparse
import sys

from .page import FIGURES, PAGE, add_tasks, measured, page, write_page
from .sizes import measure_sizes
from .students import collect_students, collect_uncovered


def main() -> int:
    """Do what is asked for; without anything, return 1 where the page says something else than the figures."""
    parser = argparse.ArgumentParser(prog="python -m tests.results", description=__doc__)
    parser.add_argument("--add", nargs=2, metavar=("NAME", "JSON"), help="put an ablation's tasks into docs/results")
    parser.add_argument("--students", nargs="+", metavar="NAME=FOLDER", help="masked-LM students, as distill left it")
    parser.add_argument("--uncovered", nargs="+", metavar="NAME=FOLDER", help="what words_cut_differently.py left")
    parser.add_argument("--sizes", nargs="+", metavar="NAME=MODEL", help="encoders; the student is made of the last")
    parser.add_argument("--layers", type=int, default=4, help="so many layers of it (default: 4)")
    parser.add_argument("--data", default="romanian", help="the folder of the data sets (default: romanian)")
    parser.add_argument("--write-docs", action="store_true", help="write docs/results.md and its chart")
    parsed = parser.parse_args()

    if parsed.add:
        add_tasks(*parsed.add)
    elif parsed.students:
        collect_students(named(parsed.students), FIGURES / "masked_lm.json")
    elif parsed.uncovered:
        collect_uncovered(named(parsed.uncovered), FIGURES / "uncovered.json")
    elif parsed.sizes:
        models = named(parsed.sizes)
        measure_sizes(models, [*models][-1], parsed.layers, FIGURES / "sizes.json", parsed.data)
    elif not parsed.write_docs:
        return int(PAGE.read_text(encoding="utf-8") != page(measured()))

    if parsed.write_docs:
        write_page()
    return 0


def named(words: list[str]) -> dict[str, str]:
    """Read what is given as `name=value`."""
    return dict(word.split("=", 1) for word in words)


if __name__ == "__main__":
    sys.exit(main())
