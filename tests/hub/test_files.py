import json
import os
import socket
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from helpers.models import tiny_bert
from hf_multiteacher.hub.files import CHECKPOINT_FILES, PushError, content_to_push, expect_whole, files_to_push


@pytest.fixture
def folder(tmp_path):
    for name in ["config.json", "model.safetensors", "tokenizer.json", "training_args.bin", "modeling.py"]:
        (tmp_path / name).write_text("{}")
    return tmp_path


def test_shards_and_every_tokenizer_file_go_along(folder):
    names = ["model-00001-of-00002.safetensors", "model.safetensors.index.json", "vocab.txt", "spiece.model"]
    for name in [*names, "projections.safetensors", "optimizer.pt"]:
        (folder / name).write_text("")
    assert set(names) < set(files_to_push(folder, "model"))
    assert "projections.safetensors" not in files_to_push(folder, "model")
    assert "projections.safetensors" in files_to_push(folder, "model", ["projections.safetensors"])
    assert "optimizer.pt" in files_to_push(folder, "model", CHECKPOINT_FILES)


def test_only_images_that_the_card_shows_go_along(folder):
    (folder / "images").mkdir()
    for name in ["images/shown.png", "hidden.png"]:
        (folder / name).write_bytes(b"")
    (folder / "README.md").write_text("![a](images/shown.png) ![b](https://a.b/c.png)")
    assert {"README.md", "images/shown.png"} < set(files_to_push(folder, "model"))
    assert not {"hidden.png", "https://a.b/c.png"} & set(files_to_push(folder, "model"))
    assert "images/shown.png" not in files_to_push(folder, "model", with_card=False)


@pytest.mark.parametrize("image", ["missing.png", "../outside.png"])
def test_an_image_that_is_not_in_the_folder_is_refused(folder, image):
    inner = folder / "inner"
    inner.mkdir()
    for name in ["config.json", "model.safetensors"]:
        (folder / name).rename(inner / name)
    (folder / "outside.png").write_bytes(b"")
    (inner / "README.md").write_text(f"![a]({image})")
    with pytest.raises(PushError, match=f"the card shows .*{image}.* Write the card again"):
        files_to_push(inner, "model")


def test_code_goes_along_only_where_the_model_needs_it(folder):
    assert "modeling.py" not in files_to_push(folder, "model")
    (folder / "config.json").write_text('{"auto_map": {}}')
    assert "modeling.py" in files_to_push(folder, "model")


@pytest.mark.parametrize(
    ("missing", "repo_type", "said"),
    [
        ("config.json", "model", "no config.json or adapter_config.json"),
        ("model.safetensors", "model", r"no model\*.safetensors or adapter_model.safetensors"),
        ("README.md", "space", "not a saved space: it has no README.md"),
        ("config.json", "dataset", r"repo_type is one of \['model', 'space'\], got 'dataset'"),
    ],
)
def test_a_folder_that_nobody_could_load_is_refused(folder, missing, repo_type, said):
    (folder / missing).unlink(missing_ok=True)
    with pytest.raises(PushError, match=said):
        files_to_push(folder, repo_type)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("token: hf_" + "x" * 34, "holds a Hub token"),
        ("my very own token", "holds a Hub token"),
        ('"/home/ioana/run"', "path of this machine, /home/ioana/"),
        ('"/Users/ioana/run"', "path of this machine, /Users/ioana/"),
        (r'"C:\\Users\\ioana\\run"', "path of this machine"),
        ("HOME/x", "path of this machine"),
        ("FOLDER", "path of this machine"),
        ("PARENT/teacher", "path of this machine"),
        ("HERE/data", "path of this machine"),
    ],
)
def test_what_is_private_is_refused(folder, text, said, monkeypatch):
    monkeypatch.setenv("HOME", "/srv/ioana")
    monkeypatch.chdir(Path("/usr/share"))
    for name, place in {"HOME": "/srv/ioana", "FOLDER": folder, "PARENT": folder.parent, "HERE": Path.cwd()}.items():
        text = text.replace(name, str(place))
    (folder / "README.md").write_text(text)
    with pytest.raises(PushError, match=said) as refused:
        content_to_push(folder / "README.md", "my very own token")
    assert "xxx" not in str(refused.value) and "very own" not in str(refused.value)


def test_what_only_looks_private_is_pushed(folder, monkeypatch):
    monkeypatch.setenv("HOME", "/")
    text = "see https://a.org/home/page/ and hf_transfer, or/and 24/7, /usr/bin"
    (folder / "README.md").write_text(text)
    assert content_to_push(folder / "README.md", None) == text.encode()


def test_weights_are_given_as_files_and_not_read(folder):
    assert content_to_push(folder / "model.safetensors", None) == folder / "model.safetensors"


def test_the_best_checkpoint_keeps_its_name_only(folder):
    state = folder / "trainer_state.json"
    state.write_text(json.dumps({"best_model_checkpoint": str(folder / "checkpoint-7"), "epoch": 1}))
    assert json.loads(content_to_push(state, None)) == {"best_model_checkpoint": "checkpoint-7", "epoch": 1}
    state.write_text(json.dumps({"best_model_checkpoint": None}))
    assert json.loads(content_to_push(state, None)) == {"best_model_checkpoint": None}


def test_an_adapter_of_a_local_base_is_refused(folder, monkeypatch):
    monkeypatch.chdir(folder)
    Path("base").mkdir()
    config = folder / "adapter_config.json"
    for base in ["base", "/somewhere/base"]:
        config.write_text(json.dumps({"base_model_name_or_path": base}))
        with pytest.raises(PushError, match=f"by the local path {base}, .* Push the base model first"):
            content_to_push(config, None)
    config.write_text(json.dumps({"base_model_name_or_path": "org/base"}))
    assert content_to_push(config, None) == config.read_bytes()


def damage(folder, name, content):
    (folder / name).write_bytes(content)
    return folder


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("model.safetensors", b"garbage"),
        ("config.json", b"{nope"),
        ("config.json", b"\xff\xfe"),
        ("config.json", b"null"),
        ("config.json", b"{}"),
        ("tokenizer.json", b"[]"),
        ("adapter_config.json", b"[1]"),
        ("model.safetensors.index.json", b"{}"),
        ("model.safetensors.index.json", b"[]"),
        ("tokenizer_config.json", b"[]"),
        ("generation_config.json", b"7"),
        ("config.json", b"[" * 100_000),
        ("model.safetensors", (10**6).to_bytes(8, "little") + b"{}"),  # a header that promises more than there is
        ("model.safetensors", save({"a": np.zeros(9)})[:-1]),
    ],
)
def test_a_damaged_file_is_not_pushed(tmp_path, name, content):
    tiny_bert("MaskedLM").save_pretrained(tmp_path)
    expect_whole(tmp_path, ["config.json", "model.safetensors"])
    with pytest.raises(PushError, match=f"{name} is damaged, so that nobody could load it") as error:
        expect_whole(damage(tmp_path, name, content), [name])
    assert "\n" not in str(error.value)


def test_files_in_another_encoding_are_named(folder):
    damage(folder, "config.json", b"\xff\xfe")
    assert "config.json" in files_to_push(folder, "model")
    damage(folder, "README.md", b"\xff\xfe")
    with pytest.raises(PushError, match="README.md is no text in UTF-8"):
        files_to_push(folder, "model")


def test_truncated_weights_are_not_pushed(tmp_path):
    tiny_bert("MaskedLM").save_pretrained(tmp_path)
    weights = (tmp_path / "model.safetensors").read_bytes()
    with pytest.raises(PushError, match="model.safetensors is damaged"):
        expect_whole(damage(tmp_path, "model.safetensors", weights[: len(weights) // 2]), ["model.safetensors"])


def test_an_index_of_shards_that_are_not_there_is_not_pushed(tmp_path):
    index = b'{"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}'
    damage(tmp_path, "model-1.safetensors", save({}))
    damage(tmp_path, "model-2.safetensors", save({}))
    names = ["model-1.safetensors", "model.safetensors.index.json"]
    with pytest.raises(PushError, match=r"names model-2.safetensors, which"):
        expect_whole(damage(tmp_path, "model.safetensors.index.json", index), names)
    expect_whole(tmp_path, [*names, "model-2.safetensors"])


def bind(path):
    """Leave a socket."""
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(os.path.relpath(path))  # its name may be 108 bytes long


@pytest.mark.parametrize("name", ["README.md", "tokenizer.json", "model-2.safetensors", "notes.txt"])
@pytest.mark.parametrize(
    ("make", "said"),
    [
        (os.mkfifo, "is no file"),
        (bind, "is no file"),
        (lambda path: os.symlink("nowhere", path), "is no file"),
        (lambda path: os.symlink("/etc/hostname", path), "is a link to a file outside"),
        (lambda path: os.symlink("../secret", path), "is a link to a file outside"),
        (lambda path: os.symlink("/dev/zero", path), "is no file"),
        (lambda path: os.symlink(path, path), "is no file"),
    ],
)
def test_what_is_no_file_of_the_folder_is_not_pushed(folder, name, make, said):
    inner = folder / "inner"
    inner.mkdir()
    (folder / "secret").write_text("mine")
    for needed in ("config.json", "model.safetensors"):
        (folder / needed).rename(inner / needed)

    make(inner / name)
    (inner / "other.pipe").symlink_to("/etc/hostname")  # which nobody asked for
    (inner / "checkpoint-1").mkdir()
    with pytest.raises(PushError, match=f"{name} {said}"):
        files_to_push(inner, "model", also=["*.txt", "checkpoint*"])


def test_a_link_within_the_folder_is_pushed(folder):
    (folder / "vocab.txt").symlink_to("tokenizer.json")
    assert "vocab.txt" in files_to_push(folder, "model")
