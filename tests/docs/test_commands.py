"""Every command of the README and docs/ is one that there is: a shell reads the blocks, and the parsers its words."""

import argparse
import re
import runpy
from collections.abc import Callable, Sequence
from functools import partial

import pytest
import torch.distributed.run
from accelerate.commands.launch import launch_command_parser
from transformers import HfArgumentParser, TrainingArguments

from helpers.pages import ROOT, blocks
from helpers.recorded_shell import calls_of
from hf_multiteacher.commands import main as commands
from hf_multiteacher.recipes.ablation.configuration import SHARED
from hf_multiteacher.recipes.configuration.arguments import read_values
from hf_multiteacher.recipes.configuration.configuration import KINDS

NOT_LOOKED_AT = {
    "git": "brings what the reader has already",
    "mkdocs": "serves pages; .ci/run builds them",
    "mypy": "without options",
    "pytest": "its own options, which .ci/run uses",
    "ruff": "its own options, which .ci/run uses",
    "tensorboard": "not a dependency; its one option is its folder",
}
"""Programs whose words no test reads, with the reason; that they are called is seen."""

KINDS_OF = {"evaluate": (TrainingArguments,), "ablate": SHARED}
"""Command -> what has the keys that it takes beside its own options, where that is no configuration of `distill`."""

OWN_SCRIPT = "script.py"
"""What a script of the reader's is called; nobody knows which words it takes."""


class Read(Exception):
    """The words of a script were taken by its parser; it goes no further."""


def expect_ours(words: Sequence[str]) -> None:
    """Have the parser of `hf-multiteacher` read the words; what it hands on are keys of a configuration."""
    parser = commands._parser()
    commands._expect_known(parser, words[0])
    keys = parser.parse_known_args(words)[1]

    if keys and not keys[0].startswith("-") and not (ROOT / keys[0]).is_file():
        keys = keys[1:]  # a file of the reader's
    read_values(KINDS_OF.get(words[0], KINDS), keys)


def expect_script(words: Sequence[str], start: Callable[[], object], monkeypatch) -> None:
    """Have the own parser of what is started read the words, whichever of the two kinds it uses."""

    def read(own):
        def parse(*args, **kwargs):
            own(*args, **kwargs)
            raise Read

        return parse

    with monkeypatch.context() as patch:
        for kind, name in ((HfArgumentParser, "parse_args_into_dataclasses"), (argparse.ArgumentParser, "parse_args")):
            patch.setattr(kind, name, read(getattr(kind, name)))
        patch.setattr("sys.argv", [*words])
        with pytest.raises(Read):
            start()


def expect_python(words: Sequence[str], monkeypatch) -> None:
    """Look at a script, or at a module that is run."""
    if words[0] == OWN_SCRIPT:
        assert len(words) == 1
    elif words[0] != "-m":
        expect_script(words, partial(runpy.run_path, str(ROOT / words[0]), run_name="__main__"), monkeypatch)
    elif words[1] == commands.__name__:
        expect_ours(words[2:])
    elif words[1].startswith("tests."):
        module = words[1].removeprefix("tests.")
        expect_script(words[1:], partial(runpy.run_module, module, run_name="__main__"), monkeypatch)
    else:
        assert words[1:] == ["venv", ".venv"]


def expect_launched(parsed: argparse.Namespace, monkeypatch) -> None:
    """Look at what a launcher starts on every rank."""
    words = [parsed.training_script, *parsed.training_script_args]
    if parsed.no_python:
        assert words[0] == "hf-multiteacher"
        expect_ours(words[1:])
    else:
        expect_python(["-m", *words] if parsed.module else words, monkeypatch)


def expect_installable(words: Sequence[str]) -> None:
    """Look for the extras and the constraints that pip is told of."""
    extras = (ROOT / "pyproject.toml").read_text("utf-8").partition("[project.optional-dependencies]\n")[2]
    names = re.findall(r"^(\w+) = \[", extras.partition("\n[")[0], re.MULTILINE)

    assert words[0] == "install"
    for wanted in re.findall(r"^\.\[(.*)\]$", "\n".join(words), re.MULTILINE):
        assert {*wanted.split(",")} <= {*names}
    if "-c" in words:
        assert (ROOT / words[words.index("-c") + 1]).is_file()


def expect_known(program: str, words: Sequence[str], monkeypatch) -> None:
    """Look at the words of one call; a parser that does not take them ends the test."""
    if program == "hf-multiteacher":
        expect_ours(words)
    elif program in ("python", "python3"):
        expect_python(words, monkeypatch)
    elif program == "accelerate":
        assert words[0] == "launch"
        expect_launched(launch_command_parser().parse_args(words[1:]), monkeypatch)
    elif program == "torchrun":
        expect_launched(torch.distributed.run.get_args_parser().parse_args(words), monkeypatch)
    elif program == "pip":
        expect_installable(words)
    elif program == "bash":
        assert (ROOT / words[0]).is_file()
    else:
        assert program in NOT_LOOKED_AT


PROGRAMS = ("hf-multiteacher", "python", "python3", "accelerate", "torchrun", "pip", "bash", *NOT_LOOKED_AT)


@pytest.mark.parametrize("block", blocks("bash"), ids=str)
def test_every_command_is_one_that_there_is(block, tmp_path, monkeypatch):
    calls = calls_of(block.code, tmp_path, PROGRAMS)
    assert calls

    for program, *words in calls:
        expect_known(program, words, monkeypatch)


@pytest.mark.parametrize(
    "code",
    ["hf-multiteacher distil a.yaml", "hf-multiteacher distill a.yaml --max_step 3", "python examples/ner.py --dat x"],
)
def test_a_command_that_there_is_not_is_found(code, tmp_path, monkeypatch):
    ((program, *words),) = calls_of(code, tmp_path, PROGRAMS)
    with pytest.raises((SystemExit, ValueError)):
        expect_known(program, words, monkeypatch)
