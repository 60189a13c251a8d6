"""`hf-multiteacher doctor`: what stands in the configuration itself is refused as `distill` refuses it."""

import pytest

from hf_multiteacher.commands.main import main


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--task", "ner"], "The configuration lacks teachers, output_dir"),
        (["nowhere.yaml"], "could be read"),
        (["--teacher", "a"], "Did you mean '--teachers'?"),
    ],
)
def test_a_broken_configuration_is_one_line_and_code_2(words, says, capsys):
    assert main(["doctor", *words]) == 2
    printed = capsys.readouterr()
    assert says in printed.err and len(printed.err.splitlines()) == 1 and not printed.out
