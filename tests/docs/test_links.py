"""Links of the README and docs/ lead somewhere: to pages, to headings in them, to files of the repository."""

import re

import pytest
from markdown.extensions.toc import slugify, unique

from helpers.pages import PAGES, ROOT, headings_of, prose_of

LINK = re.compile(r"\[[^][]*\]\(([^)\s]+)\)")
FILE = re.compile(r"`((?:examples|tests|docs|hf_multiteacher|\.ci)/[\w./-]+)[^`]*`|python ((?:examples)/[\w./-]+)")
ELSEWHERE = ("http://", "https://", "mailto:")


def anchors_of(page: str) -> set[str]:
    """The anchors of a page's headings, as mkdocs makes them."""
    taken: set[str] = set()
    return {unique(slugify(re.sub(r"[`*]", "", heading), "-"), taken) for heading in headings_of(page)}


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page):
    for link in LINK.findall(prose_of(page)):
        if link.startswith(ELSEWHERE):
            continue

        target, _, anchor = link.partition("#")
        path = ((ROOT / page).parent / target).resolve() if target else ROOT / page
        assert path.exists(), link
        if anchor:
            assert anchor in anchors_of(str(path.relative_to(ROOT))), link


@pytest.mark.parametrize("page", PAGES)
def test_every_file_of_the_repository_that_is_named_is_there(page):
    for names in FILE.findall(PAGES[page]):
        name = "".join(names)
        assert (ROOT / name).exists() or (ROOT / "hf_multiteacher" / name).exists(), name


def test_every_page_is_in_the_navigation_and_in_the_index():
    pages = {page.removeprefix("docs/") for page in PAGES if page.startswith("docs/")}
    navigation = re.findall(r"(\w+\.md)$", (ROOT / "docs/site/mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(navigation) == sorted(pages)

    listed = {link.partition("#")[0] for link in LINK.findall(PAGES["docs/index.md"])}
    assert listed >= pages - {"index.md", "api.md", "messages.md", "security.md"}
