"""Whether there is room for what a training writes."""

import shutil

import pytest

from helpers.toys import make_toy, make_trainer
from hf_multiteacher.training.preflight.disk import disk_finding, output_bytes
from hf_multiteacher.training.preflight.duration import Length


@pytest.mark.parametrize(("needed", "level"), [(10, "ok"), (90, "warning"), (200, "stop")])
def test_what_will_be_written_is_compared_with_what_is_free(tmp_path, monkeypatch, needed, level):
    monkeypatch.setattr(shutil, "disk_usage", lambda place: shutil._ntuple_diskusage(1000, 900, 100))
    finding = disk_finding("output disk", tmp_path / "not" / "there", needed, "Free some.")
    assert (finding.level, finding.do) == (level, "" if level == "ok" else "Free some.")
    assert finding.figures == {"output_disk_bytes": needed, "output_disk_free_bytes": 100}


def test_a_folder_that_cannot_be_made_is_in_the_way(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    assert disk_finding("cache disk", tmp_path / "file" / "in", 1, "").level == "stop"
    monkeypatch.setattr("hf_multiteacher.training.preflight.disk.obstacle_to_writing", lambda folder: "it is full")
    for folder, what in ((tmp_path / "in", "made"), (tmp_path, "written to")):
        finding = disk_finding("cache disk", folder, 1, "")
        assert (finding.level, finding.says) == ("stop", f"'{folder}' cannot be {what}: it is full.")
        assert "who may write there" in finding.do


def test_little_is_told_in_kilobytes(tmp_path):
    assert "about 12.3 kB will be written" in disk_finding("cache disk", tmp_path, 12_300, "").says


@pytest.mark.parametrize(
    ("changes", "students"),
    [
        ({}, 1),
        ({"save_strategy": "steps", "save_steps": 5}, 1 + 4 * 3),
        ({"save_strategy": "steps", "save_steps": 0.5, "save_only_model": True}, 1 + 2),
        ({"save_strategy": "steps", "save_steps": 5, "save_total_limit": 2}, 1 + 2 * 3),
        ({"save_strategy": "epoch"}, 1 + 3 * 3),
    ],
)
def test_checkpoints_with_their_optimizers_are_counted(changes, students, tmp_path):
    trainer = make_trainer(make_toy("tagging"), tmp_path, **changes)
    student = sum(weight.numel() * 4 for weight in trainer.model.parameters())
    assert output_bytes(trainer, trainer.args, Length(20, 6, 0)) == students * student
