"""What is common to all words of the command line."""

import json
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


def test_help_is_there_before_anything_heavy_is_imported():
    code = f"""
import json, sys
from hf_multiteacher.commands.main import main
try:
    main(["--help"])
except SystemExit:
    print(json.dumps([name for name in {HEAVY} if name in sys.modules]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "demo" in done.stdout and "distill" in done.stdout
    assert json.loads(done.stdout.splitlines()[-1]) == []


def test_every_command_stands_in_the_help_under_the_name_of_its_file(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    printed = capsys.readouterr().out
    for command in COMMANDS:
        assert f"    {command.__name__.rpartition('.')[2]} " in printed


def test_the_version_is_printed(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert capsys.readouterr().out.strip() == __version__
