"""docs/messages.md: every message, where it is raised, and a test that sees it."""

import re
from collections.abc import Iterable, Mapping

from messages.sites import ROOT, Site

PAGE = ROOT / "docs" / "messages.md"
NO_TEST = "no test"
HEAD = """# Messages

What the package refuses, each with a test that sees it; `…` stands for what the user gave. `python -m tests.messages`
writes this page, and a test makes sure that no message is missing here.

| message | raised in | test |
|---|---|---|
"""


def read() -> dict[Site, str]:
    """Message -> test, as the page has it."""
    text = PAGE.read_text("utf-8") if PAGE.exists() else HEAD
    rows = re.findall(r"^\| `(.+)` \| `(.+)` \| (.+) \|$", text, re.MULTILINE)
    return {Site(file, message): test.strip("`") for message, file, test in rows}


def write(sites: Iterable[Site], tests: Mapping[Site, str]) -> None:
    """Write all messages in their order."""
    rows = [f"| `{site.message}` | `{site.file}` | {_cell(tests.get(site, NO_TEST))} |\n" for site in sites]
    PAGE.write_text(HEAD + "".join(rows), encoding="utf-8")


def exists(test: str) -> bool:
    """Whether there is such a test."""
    file, _, name = test.partition("::")
    path = ROOT / file
    return path.is_file() and f"def {name.rpartition('::')[2]}(" in path.read_text("utf-8")


def _cell(test: str) -> str:
    return test if test == NO_TEST else f"`{test}`"
