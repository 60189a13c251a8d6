"""The command: writes the page and its chart anew from docs/results, or says whether they are as these figures say."""

import argparse
import sys

from .page import PAGE, measured, page, write_page


def main() -> int:
    """Write the page, or return 1 where it says something else than the figures."""
    parser = argparse.ArgumentParser(prog="python -m tests.results", description=__doc__)
    parser.add_argument("--write-docs", action="store_true", help="write docs/results.md and its chart")
    if parser.parse_args().write_docs:
        write_page()
        return 0
    return int(PAGE.read_text(encoding="utf-8") != page(measured()))


if __name__ == "__main__":
    sys.exit(main())
