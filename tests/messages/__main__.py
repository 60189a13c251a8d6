"""The command: runs tests, notes which of them see which message, and writes docs/messages.md."""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from messages import page
from messages.recording import NOTES
from messages.sites import Site, sites_of_package

TESTS = Path(__file__).parents[1]


def main() -> int:
    """Write the page, list the messages that no test sees, and return 1 where there are any."""
    parser = argparse.ArgumentParser(prog="python -m tests.messages", description=__doc__)
    parser.add_argument("tests", nargs="*", help="only these; by default all that are not slow, and the page anew")
    parser.add_argument("--list", action="store_true", help="run nothing: only add new messages and drop old ones")
    parsed = parser.parse_args()

    before = page.read() if parsed.tests or parsed.list else {}
    found = {} if parsed.list else _run(parsed.tests or [str(TESTS), "-m", "not slow"])
    kept = {site: test for site, test in before.items() if page.exists(test)}
    tests = found | kept | {site: test for site, test in found.items() if _mirrors(site.file, test)}

    sites = sites_of_package()
    page.write(sites, tests)
    without = [site for site in sites if site not in tests]
    print("\n".join(f"{site.file}: {site.message}" for site in without))
    print(f"{len(sites)} messages, {len(without)} without a test")
    return 1 if without else 0


def _run(tests: list[str]) -> dict[Site, str]:
    """Run tests; message -> one that saw it, best of the file that mirrors the message's, else the first by name."""
    with tempfile.TemporaryDirectory() as folder:
        notes = Path(folder) / "notes"
        notes.touch()
        Path(f"{notes}.running").touch()
        paths = [TESTS / "messages" / "started", TESTS, TESTS.parent, os.environ.get("PYTHONPATH", "")]
        environment = os.environ | {NOTES: str(notes), "PYTHONPATH": os.pathsep.join(filter(None, map(str, paths)))}
        subprocess.run([sys.executable, "-m", "pytest", "-p", "messages.recording", *tests], env=environment)

        lines = {tuple(line.split("\t")) for line in notes.read_text("utf-8").splitlines()}
    seen = sorted((not _mirrors(file, test), test, Site(file, message)) for file, message, test in lines if test)
    return {site: test for _, test, site in reversed(seen)}


def _mirrors(file: str, test: str) -> bool:
    folder, _, name = f"tests/{file}".rpartition("/")
    return test.startswith(f"{folder}/test_{name}::")


if __name__ == "__main__":
    sys.exit(main())
