"""What is common to all words of the command line."""

import json
import re
import shlex
import subprocess
import sys

import pytest

from hf_multiteacher import __version__
from hf_multiteacher.commands.main import COMMANDS, main

HEAVY = ["datasets", "evaluate", "matplotlib", "numpy", "scipy", "sklearn", "tokenizers", "torch", "transformers"]


@pytest.mark.parametrize(
    "words",
    [
        ["demo", "--qui"],
        ["push", "folder", "org/name", "--dry"],
        ["loyalty", "teacher", "--stu", "student"],
        ["evaluate", "--desc"],
    ],
)
def test_no_command_takes_an_abbreviated_option(words, capsys, monkeypatch):
    for name in ("demo", "push", "loyalty"):
        monkeypatch.setattr(f"hf_multiteacher.commands.{name}.run", lambda parsed: 0)
    try:
        assert main(words) == 2
    except SystemExit as refused:
        assert refused.code == 2
    assert words[-1 if words[-1].startswith("--") else -2] in capsys.readouterr().err


def test_the_help_of_everything_is_there_before_anything_heavy_is_imported():
    code = f"""
import contextlib, json, sys
from hf_multiteacher.commands.main import COMMANDS, main
for words in ([], ["--help"], *([command.__name__.rpartition(".")[2], "--help"] for command in COMMANDS)):
    with contextlib.suppress(SystemExit):
        main(words)
print(json.dumps([name for name in {HEAVY} if name in sys.modules]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.count("usage: hf-multiteacher") == 2 + len(COMMANDS)
    assert json.loads(done.stdout.splitlines()[-1]) == []


def test_without_a_word_the_help_is_printed(capsys):
    assert main([]) == 0
    bare = capsys.readouterr()
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    assert bare.out == capsys.readouterr().out and not bare.err


def test_every_command_stands_in_the_help_under_the_name_of_its_file(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    printed = capsys.readouterr().out
    for command in COMMANDS:
        assert re.search(rf"^    {command.__name__.rpartition('.')[2]}\s", printed, re.MULTILINE)


@pytest.mark.parametrize("command", [command.__name__.rpartition(".")[2] for command in COMMANDS])
def test_the_help_of_a_command_has_a_sentence_examples_and_every_default(command, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit, match="0"):
        main([command, "--help"])
    page = capsys.readouterr().out
    _, sentence, *_ = page.split("\n\n")
    assert sentence[0].isupper() and sentence.endswith(".")
    assert f"\nexamples:\n  hf-multiteacher {command} " in page and max(map(len, page.splitlines())) <= 80

    options = re.split(r"\n  (?=-)", page.partition("\nexamples:")[0])[1:]
    with_values = [option for option in options if re.match(r"--\S+ [A-Z]", option)]
    for option in with_values:
        assert re.search(r"by\s+default|needed|push it as a Space", option), option


def test_the_examples_of_the_help_can_be_read(capsys, monkeypatch):
    for command in COMMANDS:
        monkeypatch.setattr(command, "run", lambda parsed: 7)
        name = command.__name__.rpartition(".")[2]
        with pytest.raises(SystemExit):
            main([name, "--help"])
        _, _, examples = capsys.readouterr().out.partition("\nexamples:\n")
        for example in examples.splitlines():
            assert main(shlex.split(example)[1:]) == 7


def test_the_version_is_printed(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert capsys.readouterr().out.strip() == __version__


def test_ctrl_c_ends_in_a_line(monkeypatch, capsys):
    def interrupt(*given):
        raise KeyboardInterrupt

    monkeypatch.setattr("hf_multiteacher.recipes.configuration.configuration.read_config", interrupt)
    assert main(["distill", "config.yaml"]) == 130
    assert capsys.readouterr().err == "\nhf-multiteacher: interrupted\n"
