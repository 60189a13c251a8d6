"""`hf-multiteacher evaluate`: its options; the table is tested with `PaperTable`."""

import pytest

from hf_multiteacher.commands.main import main
from hf_multiteacher.romanian.description import describe, format_descriptions

pytestmark = pytest.mark.usefixtures("few_sentences")


def test_models_are_needed(capsys):
    assert main(["evaluate", "--data", "synthetic"]) == 2
    assert "expects --models" in capsys.readouterr().err


def test_describe_prints_the_counts_and_nothing_else(capsys):
    assert main(["evaluate", "--describe", "--data", "synthetic"]) == 0
    printed = capsys.readouterr()
    assert printed.out == format_descriptions(describe("synthetic")) + "\n"
    assert main(["evaluate", "--describe", "--data", "no/folder"]) == 2


def test_describe_counts_the_tasks_asked_for(capsys):
    assert main(["evaluate", "--describe", "--data", "synthetic", "--tasks", "sts"]) == 0
    assert capsys.readouterr().out == format_descriptions(describe("synthetic", ["sts"])) + "\n"


@pytest.mark.parametrize(
    "option",
    ["--models x", "--seeds 0", "--max-length 0", "--output-dir x", "--config x.yaml", "--task sts", "--max_steps 1"],
)
def test_describe_refuses_what_it_would_ignore(capsys, option):
    assert main(["evaluate", "--describe", "--data", "synthetic", *option.split()]) == 2
    printed = capsys.readouterr()
    assert not printed.out and f"Leave {option.split()[0]}" in printed.err


@pytest.mark.real_data
def test_the_counts_of_the_real_data_are_printed(romanian_data, capsys):
    assert main(["evaluate", "--describe", "--data", str(romanian_data)]) == 0
    lines = capsys.readouterr().out.splitlines()
    starts = [
        "| upos | train | 8043 |",
        "| upos | validation | 752 |",
        "| ner | train | 3861 |",
        "| ner | validation | 1330 |",
        "| di | train | 4112 |",
        "| di | validation | 588 |",
        "| sts | train | 5749 |",
        "| sts | validation | 1500 |",
    ]
    for start in starts:
        assert sum(line.startswith(start) for line in lines) == 1
    ends = {"xpos | train": "476 tags |", "xpos | validation": "320 tags, 6 not in train |"}
    ends["sar | train"] = "1: 4459, 2: 1541, 4: 1018, 5: 4982 |"
    for start, end in ends.items():
        assert [line.endswith(end) for line in lines if line.startswith(f"| {start}")] == [True]
