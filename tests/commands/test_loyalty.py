"""`hf-multiteacher loyalty`: its options; what it measures is tested with `LoyaltyRun`."""

import re

import pytest

from hf_multiteacher.commands.main import main
from hf_multiteacher.recipes.comparison.run import LoyaltyRun


def test_what_is_missing_is_named_all_at_once(capsys):
    assert main(["loyalty"]) == 2
    assert "got no TEACHER, no --student, no --task" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["t", "--student", "s", "--task", "ner", "--dry-run"], "--dry-run, teachers, --student, --task"),
        (["t", "--student", "s", "--task", "ner", "--metric", "loyalty"], "--metric, teachers, --student, --task"),
        (["--dry-run"], "got --dry-run. Give"),
        (["t", "--push-space", "org/mine", "--dry-run"], "--push-space, --dry-run, teachers"),
        (["--push-space", "org/mine", "--dry-run", "--batch-size", "32"], "--push-space, --dry-run, --batch-size"),
    ],
)
def test_a_push_and_a_comparison_at_once_are_refused(capsys, words, named):
    assert main(["loyalty", *words]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("hf-multiteacher: loyalty either compares models or") and named in captured.err
    assert len(captured.err.splitlines()) == 1 and not captured.out


def test_the_defaults_of_the_options_are_those_that_the_help_names(capsys):
    with pytest.raises(SystemExit):
        main(["loyalty", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    for name in ("batch_size", "output_dir", "examples", "confidence", "seed"):
        assert re.search(f"--{name.replace('_', '-')} [A-Z_]+ [^-]*by default {getattr(LoyaltyRun, name)} ", text), (
            name
        )
