"""What is finished of an ablation: whole or not there, and refused where it was run otherwise."""

from pathlib import Path

import numpy as np
import pytest

from hf_multiteacher.recipes.ablation.cells import Cell, Cells, check_names


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


@pytest.mark.parametrize(
    ("kind", "damage"),
    [
        ("json", lambda path: path.write_text("{}")),
        ("json", lambda path: (path.unlink(), path.mkdir())),
        ("npz", Path.unlink),
        ("npz", lambda path: path.write_bytes(path.read_bytes()[:100])),
        ("npz", lambda path: path.write_bytes(b"")),
    ],
    ids=["another", "a folder", "missing", "cut short", "empty"],
)
def test_a_damaged_cell_is_named(tmp_path, kind, damage):
    Cells(tmp_path).write(cell())
    damage(tmp_path / f"di/A+B/1.{kind}")
    with pytest.raises(ValueError, match="1.json' is no cell of an ablation"):
        Cells(tmp_path).read("di", "A+B", 1, {})


@pytest.mark.parametrize("name", ["a/b", "..", " a", "", "a:b"])
def test_names_that_cannot_name_a_folder_are_refused(name):
    with pytest.raises(ValueError, match="names an arm or a teacher"):
        check_names({"good, A+B (T=2)": 1, name: 2})
