"""A model card as a reader of the Hub sees it: its Markdown turned into HTML, and what would be ugly there."""

import re
from pathlib import Path
from xml.etree import ElementTree

from markdown import markdown
from matplotlib.image import imread

PLACEHOLDER = re.compile(r"\{\{|\{%|\bNone\b|\bnan\b|\[More|TODO|undefined|!\[|\*\*")


def render(folder: Path) -> ElementTree.Element:
    """Return the card's HTML; it must have no empty table or section, no broken image and no placeholder."""
    _, _, body = (folder / "README.md").read_text("utf-8").split("---\n", 2)
    html = markdown(body, extensions=["tables", "fenced_code", "sane_lists"], output_format="xhtml")
    page = ElementTree.fromstring(f"<html>{html}</html>")
    for table in page.iter("table"):
        rows = [["".join(cell.itertext()).strip() for cell in row] for row in table.iter("tr")]
        assert len(rows) > 1 and all(rows[0]) and all(row[0] and any(row[1:]) for row in rows[1:]), rows
        assert all(map(any, zip(*rows[1:], strict=True))), rows
    for image in page.iter("img"):
        height, width, _ = imread(folder / image.get("src")).shape
        assert height > 200 and width > 200 and image.get("alt"), image.attrib
    for block in page:
        text = "".join(block.itertext())
        assert not text.lstrip().startswith("|"), f"a table that is none: {text}"
        assert block.find(".//code") is not None or not PLACEHOLDER.search(text), text
    heads = [block.tag for block in page]
    for place, tag in enumerate(heads):
        assert tag not in ("h1", "h2") or heads[place + 1] not in ("h1", "h2"), f"{page[place].text} is empty"
    return page


def rows_under(page: ElementTree.Element, heading: str) -> list[list[str]]:
    """Return the cells of the first table under a heading."""
    blocks = list(page)
    start = next(place for place, block in enumerate(blocks) if block.tag.startswith("h") and block.text == heading)
    table = next(block for block in blocks[start:] if block.tag == "table")
    return [["".join(cell.itertext()) for cell in row] for row in table.iter("tr")]
