"""The Python of the README and docs/ runs as it is printed: a page from its top to its end, as it is read."""

import pytest

from helpers.pages import PAGES, ROOT, blocks

RUN_ELSEWHERE = {
    ("README.md", "hf-multiteacher"): "tests/docs/test_readme.py",
    **{
        ("docs/migrate.md", heading): "tests/docs/test_migrate.py"
        for heading in (
            "Token classification",
            "Text classification",
            "Regression on pairs of sentences",
            "Masked-language modelling on concatenated text",
            "Write your own hard loss",
            "Write your own weighting",
            "Write your own divergence",
        )
    },
    **{
        ("docs/hub.md", heading): "tests/docs/test_hub_page.py"
        for heading in ("From the trainer", "From Python", "What goes up", "The card")
    },
}
"""Page and heading of what has a test of its own, and which: it looks at what comes out, too."""


def run_here(page: str) -> list:
    return [block for block in blocks("python", page) if block.place not in RUN_ELSEWHERE]


@pytest.mark.parametrize("page", [page for page in PAGES if run_here(page)])
def test_the_python_of_a_page_runs(page, taken_for_granted):
    names = taken_for_granted(page)

    for block in run_here(page):
        exec(compile("\n" * block.line + block.code, page, "exec"), names)


def test_what_has_a_test_of_its_own_is_there():
    places = {block.place for block in blocks("python")}
    assert {*RUN_ELSEWHERE} <= places
    assert all((ROOT / test).is_file() for test in RUN_ELSEWHERE.values())


def test_every_block_is_of_a_language_that_a_test_reads():
    assert {block.language for block in blocks()} == {"python", "bash", "yaml", "diff", ""}
    assert all(line.startswith("```") for text in PAGES.values() for line in text.splitlines() if "```" in line)


def test_the_three_lines_that_change_are_those_of_the_scripts():
    (shown,) = blocks("diff")
    new = [line[1:].strip() for line in shown.code.splitlines() if line.startswith("+")]
    assert shown.page == "docs/migrate.md" and len(new) == 3
    assert any(new[0] in block.code for block in blocks("python", shown.page))
