"""`hf-multiteacher report`: what is read is tested with `read_runs`, the page with `Report`."""

import json

import pytest

from hf_multiteacher.commands.main import main


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = tmp_path / "run"
    run.mkdir()
    (run / "trainer_state.json").write_text(json.dumps({"log_history": [{"step": 1, "loss": 2.0}]}))
    return run


def test_the_page_is_written_and_an_older_one_replaced(folder, tmp_path, capsys):
    assert main(["report", "run"]) == 0
    assert capsys.readouterr().out == "report.html: open it in a browser.\n"
    first = (tmp_path / "report.html").stat().st_ino
    assert main(["report", "run", "--output", "report.html"]) == 0
    assert (tmp_path / "report.html").stat().st_ino != first
    assert "<h1>run</h1>" in (tmp_path / "report.html").read_text()


@pytest.mark.parametrize("path", ["mine.html", "run"])
def test_nothing_else_is_overwritten(folder, tmp_path, capsys, path):
    (tmp_path / "mine.html").write_text("mine")
    assert main(["report", "run", "--output", path]) == 2
    assert "Name another one." in capsys.readouterr().err
    assert (tmp_path / "mine.html").read_text() == "mine" and folder.is_dir()


def test_what_is_no_run_is_one_line(tmp_path, capsys):
    assert main(["report", str(tmp_path / "none")]) == 2
    error = capsys.readouterr().err
    assert error.startswith("hf-multiteacher: report expects folders of runs") and error.count("\n") == 1
