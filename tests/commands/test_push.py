"""`hf-multiteacher push`: what it lists, and what it refuses."""

from helpers.models import tiny_bert
from hf_multiteacher.commands.main import main


def test_what_keeps_a_push_from_being_made_is_one_line_and_code_2(tmp_path, capsys):
    assert main(["push", str(tmp_path), "org/name"]) == 2
    error = capsys.readouterr().err.strip().splitlines()
    assert (
        len(error) == 1 and error[0].startswith("hf-multiteacher: Nothing pushed: ") and "no config.json" in error[0]
    )


def test_a_dry_run_lists_what_a_push_would_send(tmp_path, capsys, cased_tokenizer):
    tiny_bert("MaskedLM", vocab_size=len(cased_tokenizer)).save_pretrained(tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    size = sum((tmp_path / name).stat().st_size for name in ("config.json", "model.safetensors")) / 2**20
    last = f"2 files, {size:.2f} MB: not pushed to org/name: this is a dry run"
    assert main(["push", str(tmp_path), "org/name", "--dry-run"]) == 0
    assert capsys.readouterr().out.splitlines() == ["config.json", "model.safetensors", last]
    assert main(["push", str(tmp_path), "org/name", "--dry-run", "--also", "*.txt"]) == 0
    assert "notes.txt" in capsys.readouterr().out
    assert main(["push", str(tmp_path), "org/name", "--dry-run", "--also", "*.txt", "*.csv"]) == 2
    assert "--also *.csv fits no file" in capsys.readouterr().err
    for pattern in ("/*.txt", ""):
        assert main(["push", str(tmp_path), "org/name", "--dry-run", "--also", pattern]) == 2
        assert "fits no file of" in capsys.readouterr().err
