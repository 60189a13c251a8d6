"""A reader that has gone, or an output that takes nothing, costs no work."""

import io
import os
import sys

import pytest

from hf_multiteacher.commands.exit import FAILED, user_errors
from hf_multiteacher.commands.main import main
from hf_multiteacher.commands.outputs import UNREAD


@pytest.fixture
def command(monkeypatch):
    """Have `cache info x` do what a test wants; returns its exit code."""

    def run(work):
        monkeypatch.setattr("hf_multiteacher.commands.cache.run", work)
        return main(["cache", "info", "x"])

    return run


def talkative(done):
    """Work that says more than a pipe holds, before and after what matters."""

    def work(parsed):
        with user_errors():
            for stream in (sys.stdout, sys.stderr):
                stream.writelines(["a line\n"] * 20_000)
                print("a line", file=stream, flush=True)
        done.append(True)
        return 0

    return work


@pytest.fixture
def without_reader():
    """A stream whose reader has gone; when it is closed, nothing is left to be written."""
    read, write = os.pipe()
    os.close(read)
    with open(write, "w", encoding="utf-8") as stream:
        yield stream


@pytest.mark.parametrize(("name", "code"), [("stdout", UNREAD), ("stderr", 0)])
def test_work_goes_on_to_its_end_without_a_reader(command, monkeypatch, without_reader, name, code):
    done = []
    monkeypatch.setattr(sys, name, without_reader)
    assert command(talkative(done)) == code and done == [True]
    without_reader.flush()  # as the interpreter does in the end


def test_a_program_without_standard_output_works(command, monkeypatch):
    done = []
    monkeypatch.setattr(sys, "stdout", None)
    assert command(talkative(done)) == 0 and done == [True]


def test_an_output_that_takes_nothing_is_named_in_the_end(command, monkeypatch, capsys):
    done = []
    with open("/dev/full", "w", encoding="utf-8") as full:
        monkeypatch.setattr(sys, "stdout", full)
        assert command(talkative(done)) == FAILED and done == [True]
        monkeypatch.undo()
    assert capsys.readouterr().err.endswith("Cannot write to the standard output: No space left on device\n")


def test_what_is_said_arrives_in_order(command, monkeypatch):
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert command(lambda parsed: sys.stdout.write("a\n") and print("b") or 0) == 0
    assert sys.stdout.getvalue() == "a\nb\n"
