"""`hf-multiteacher demo`: what keeps it from starting."""

import pytest

from hf_multiteacher.commands.main import main


@pytest.mark.parametrize("seed", ["-1", str(2**32)])
def test_a_demo_with_a_seed_that_is_none_does_not_start(tmp_path, capsys, seed):
    assert main(["demo", "--quick", "--seed", seed, "--output-dir", str(tmp_path / "demo")]) == 2
    assert "The seed must be a number from 0 to 4294967295" in capsys.readouterr().err


def test_nothing_in_a_folder_that_is_not_empty_is_overwritten(tmp_path, capsys):
    (tmp_path / "mine.txt").write_text("mine")
    assert main(["demo", "--quick", "--output-dir", str(tmp_path)]) == 2
    (error,) = capsys.readouterr().err.splitlines()
    assert "is not empty" in error and "resume_from_checkpoint" not in error
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
