"""What is finished of an ablation: whole or not there, and refused where it was run otherwise."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hf_multiteacher.recipes.ablation.cells import Cell, Cells, check_names, refuse_other_examples


def cell(**settings):
    return Cell(
        task="di",
        arm="A+B",
        seed=1,
        settings=settings,
        metric="accuracy",
        measured_on="2 examples (test)",
        quality={"accuracy": 0.5},
        loyalty={"A": {"label_loyalty": 1.0}},
        teachers={"A": {"accuracy": 0.5}},
        sizes={"student": {"parameters": 10}},
        steps=4,
        seconds=1.5,
        answers={"gold": np.array([0, 1]), "names": np.array(["a", "ă"])},
    )


def test_a_cell_comes_back_as_it_was(tmp_path):
    cells = Cells(tmp_path)
    assert cells.read("di", "A+B", 1, {}) is None
    cells.write(cell(temperature=2.0, follows=("A", "B")))

    again = cells.read("di", "A+B", 1, {"temperature": 2.0, "follows": ["A", "B"]})
    assert again.quality == {"accuracy": 0.5} and again.answers["names"].tolist() == ["a", "ă"]
    assert cells.read("di", "A+B", 2, {}) is None


@pytest.mark.parametrize(
    ("now", "message"), [({"temperature": 4.0}, r"temperature=2.0 \(now 4.0\)"), ({}, r"2.0 \(now default\)")]
)
def test_a_cell_that_was_run_otherwise_is_refused_by_name(tmp_path, now, message):
    Cells(tmp_path).write(cell(temperature=2.0))
    with pytest.raises(ValueError, match=rf"'.*1.json' was run with .*{message}.*another name, or another output_dir"):
        Cells(tmp_path).read("di", "A+B", 1, now)


def scrambled(content):
    """A file of arrays in which the middle is not what was written."""
    middle = len(content) // 4
    return content[:middle] + bytes(255 - byte for byte in content[middle : middle + 40]) + content[middle + 40 :]


@pytest.mark.parametrize(
    ("kind", "damage"),
    [
        ("json", lambda path: path.write_text("{}")),
        ("json", lambda path: (path.unlink(), path.mkdir())),
        ("npz", Path.unlink),
        ("npz", lambda path: path.write_bytes(path.read_bytes()[:100])),
        ("npz", lambda path: path.write_bytes(b"")),
        ("npz", lambda path: path.write_bytes(scrambled(path.read_bytes()))),
        ("json", lambda path: path.write_text(json.dumps(json.loads(path.read_text()) | {"settings": []}))),
    ],
    ids=["another", "a folder", "missing", "cut short", "empty", "scrambled", "no settings"],
)
def test_a_damaged_cell_is_named(tmp_path, kind, damage):
    Cells(tmp_path).write(cell())
    damage(tmp_path / f"di/A+B/1.{kind}")
    with pytest.raises(ValueError, match="1.json' is no cell of an ablation"):
        Cells(tmp_path).read("di", "A+B", 1, {})


@pytest.mark.parametrize(
    "changed", [{"gold": np.array([1, 0])}, {"gold": np.array([0])}, {"names": np.array(["b", "ă"])}, {"lengths": [1]}]
)
def test_cells_that_were_measured_on_other_examples_are_never_compared(changed):
    now = cell().answered
    refuse_other_examples(now, cell())
    other = replace(cell(), seed=2, answers=cell().answers | changed)
    with pytest.raises(ValueError, match=r"In di, 'A\+B' with seed 2 was measured on other examples, so the data"):
        refuse_other_examples(now, other)


@pytest.mark.parametrize("name", ["a/b", "..", " a", "", "a:b"])
def test_names_that_cannot_name_a_folder_are_refused(name):
    with pytest.raises(ValueError, match="names an arm or a teacher"):
        check_names({"good, A+B (T=2)": 1, name: 2})
