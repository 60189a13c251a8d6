"""docs/messages.md lists every message of the package, and tests that are there."""

import ast

import pytest

from messages import page, recording
from messages.sites import PACKAGE, sites_of, sites_of_package

CODE = """
from typing import NamedTuple
class Refusal(NamedTuple):
    when: bool
    says: str = ""

def refuse(kind, value):
    Refusal(False, "not this one"), Refusal(True, f"{value} means something else")
    Refusal(when=True, says="also with names")
    if kind == "raised":
        raise ValueError(f"Expected a number, got {value}." "Give one.")
    if kind == "called":
        raise OSError(explain(value))
    if kind == "again":
        raise
"""


def test_the_page_lists_every_message_of_the_package():
    assert [*page.read()] == sites_of_package(), "run python -m tests.messages, or only the tests of what has changed"


def test_every_test_that_the_page_names_is_there():
    assert [test for test in page.read().values() if test != page.NO_TEST and not page.exists(test)] == []


def test_a_message_is_what_stands_in_the_code_with_dots_for_what_does_not():
    messages = [site.message for site, _ in sites_of(ast.parse(CODE), PACKAGE / "some.py")]
    assert messages == [
        "not this one",
        "… means something else",
        "also with names",
        "Expected a number, got ….Give one.",
        "explain(value)",
    ]


def test_a_message_is_noted_where_it_is_raised(tmp_path, monkeypatch):
    monkeypatch.setenv(recording.NOTES, str(tmp_path / "notes"))
    recording.pytest_runtest_logstart("tests/test_some.py::test_it[one]")
    names = {}
    exec(compile(recording.noted(ast.parse(CODE), PACKAGE / "some.py"), "some.py", "exec"), names)
    with pytest.raises(ValueError, match=r"Expected a number, got x\."):
        names["refuse"]("raised", "x")
    noted = [line.split("\t") for line in (tmp_path / "notes").read_text(encoding="utf-8").splitlines()]
    seen = ["… means something else", "also with names", "Expected a number, got ….Give one."]
    assert noted == [["some.py", message, "tests/test_some.py::test_it"] for message in seen]
