"""`hf-multiteacher benchmark`: models in, a table out."""

import json

from helpers.saved_encoders import save_encoder
from hf_multiteacher.commands.main import main

QUICK = ["--device", "cpu", "--batch-size", "2", "--length", "8", "--rounds", "1"]


def test_models_are_measured_side_by_side(tmp_path, cased_tokenizer, capsys):
    models = [save_encoder(tmp_path / name, cased_tokenizer) for name in ("student", "teacher")]
    capsys.readouterr()  # what saving them has said
    assert main(["benchmark", *models, *QUICK, "--json", str(tmp_path / "figures.json")]) == 0
    printed = capsys.readouterr()
    assert "cpu, 2 texts at once" in printed.out and not printed.err
    assert len(json.loads((tmp_path / "figures.json").read_text())["speed"]) == 1


def test_a_model_that_is_not_there_is_one_line(tmp_path, capsys):
    assert main(["benchmark", str(tmp_path / "nowhere"), *QUICK]) == 2
    assert "'" + str(tmp_path / "nowhere") + "' cannot be loaded" in capsys.readouterr().err
