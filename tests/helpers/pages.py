"""The README and the pages of docs/, and the blocks of code in them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
}
FENCED = re.compile(r"^```(?P<language>[^\n]*)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A block of code: where it stands, in which language, and what it says."""

    page: str
    line: int
    heading: str
    language: str
    code: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def place(self) -> tuple[str, str]:
        """What it is called in a test: its page and the heading over it, which stay where lines move."""
        return self.page, self.heading


def prose_of(page: str) -> str:
    """The page with its blocks of code emptied, line by line."""
    return FENCED.sub(lambda block: "\n" * block[0].count("\n"), PAGES[page])


def headings_of(page: str) -> list[str]:
    """All headings of a page, in their order."""
    return HEADING.findall(prose_of(page))


def blocks(language: str | None = None, page: str | None = None) -> list[Block]:
    """The blocks of all pages or of one, in one language or in any."""
    found = [block for name in PAGES if page in (None, name) for block in _blocks_of(name)]
    return [block for block in found if language in (None, block.language)]


def _blocks_of(page: str) -> Iterator[Block]:
    for match in FENCED.finditer(PAGES[page]):
        line = PAGES[page].count("\n", 0, match.start()) + 1
        above = HEADING.findall("\n".join(prose_of(page).splitlines()[:line]))
        yield Block(page, line, above[-1] if above else "", match["language"], match["code"])


def code_under(page: str, heading: str) -> str:
    """The first block of Python under a heading."""
    return next(block.code for block in blocks("python", page) if block.heading == heading)
