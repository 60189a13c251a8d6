"""A disk that takes no more is one line, whoever meets it."""

import errno

import pytest
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, models

from helpers.small_disk import small_disk
from hf_multiteacher.commands.disk import disk_errors
from hf_multiteacher.commands.exit import FAILED
from hf_multiteacher.whole_file import write_text

WAYS = {
    "ours": lambda path: write_text(path, "x" * 2000),
    "python": lambda path: path.write_text("x" * 2000),
    "safetensors": lambda path: save_file({"x": torch.zeros(2000)}, path),
    "tokenizers": lambda path: Tokenizer(models.WordLevel({str(i): i for i in range(500)}, "0")).save(str(path)),
    "torch": lambda path: torch.save(torch.zeros(2000), path),
    "shared memory": lambda path: torch.zeros(2000).share_memory_(),
}


@pytest.mark.parametrize("write", WAYS.values(), ids=WAYS)
def test_every_library_s_error_is_one_line(tmp_path, capsys, write):
    with pytest.raises(SystemExit) as left, small_disk(1000), disk_errors():
        write(tmp_path / "file")
    assert left.value.code == FAILED
    (told,) = capsys.readouterr().err.splitlines()
    assert told.startswith("hf-multiteacher: ") and told.count("Make room, or name another folder") == 1


@pytest.mark.parametrize("error", [OSError(errno.ENOENT, "There is none"), RuntimeError("a fault")])
def test_other_errors_pass(error):
    with pytest.raises(type(error)), disk_errors():
        raise error
