"""Downloads: pinned, checked, cached, and nothing half written stays."""

import hashlib
import http.server
import subprocess
import threading
from dataclasses import replace
from functools import partial

import datasets
import pytest

from hf_multiteacher.romanian import download as module
from hf_multiteacher.romanian.datasets import SOURCES
from hf_multiteacher.romanian.download import download, git_blob_id

CONTENT = b"5.0\tun om\tun om\n"


def blob(content):
    return hashlib.sha1(f"blob {len(content)}\0".encode() + content).hexdigest()


@pytest.fixture
def source():
    return replace(
        SOURCES["ro_sts"],
        repository="owner/name",
        commit="abc",
        files={"RO-STS.train.tsv": ("data/RO-STS.train.tsv", blob(CONTENT))},
    )


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A stand-in for the repositories' server; files under the folder that it gives are served."""
    served = tmp_path / "served"
    (served / "owner/name/abc/data").mkdir(parents=True)
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=served)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(module, "HOME", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    yield served / "owner/name/abc/data/RO-STS.train.tsv"
    server.shutdown()
    server.server_close()


def test_a_file_is_downloaded_once_and_its_licence_said_once(home, source, caplog):
    home.write_bytes(CONTENT)
    folder = download(source)
    assert (folder / "RO-STS.train.tsv").read_bytes() == CONTENT
    assert "CC BY-SA 4.0" in caplog.text and "Please cite" in caplog.text
    home.unlink()
    caplog.clear()
    assert download(source) == folder
    assert caplog.text == ""


@pytest.mark.parametrize("content", [CONTENT[:-4], CONTENT + b"x", b"<html>blocked</html>"])
def test_a_cut_or_altered_file_is_refused_and_not_kept(home, source, tmp_path, content):
    home.write_bytes(content)
    with pytest.raises(
        OSError, match="does not have the checksum .* cut or altered. Try again, or copy .* give their folder"
    ):
        download(source)
    assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file()] == []


def test_a_missing_file_is_said_with_what_to_do(home, source):
    with pytest.raises(OSError, match=r"cannot be downloaded .*404.*https://github.com/owner/name.*give their folder"):
        download(source)


def test_no_network_is_said_with_what_to_do(home, source, monkeypatch):
    monkeypatch.setattr(module, "HOME", "http://127.0.0.1:9")
    with pytest.raises(OSError, match="cannot be downloaded .*Try again, or copy .* give their folder"):
        download(source)


def test_offline_mode_is_obeyed(home, source, monkeypatch):
    home.write_bytes(CONTENT)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    with pytest.raises(OSError, match="not in the cache and HF_HUB_OFFLINE is set. Unset it, or copy the files of"):
        download(source)


def test_the_checksum_is_the_one_of_git(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(CONTENT * 1000)
    ours = subprocess.run(["git", "hash-object", path], capture_output=True, text=True, check=True).stdout.strip()
    assert git_blob_id(path) == ours


def test_every_split_is_among_the_files_of_its_source():
    for source in SOURCES.values():
        for name in source.splits.values():
            assert any(file == name or file.startswith(name + "/") for file in source.files)
        assert all(len(checksum) == 40 for _, checksum in source.files.values()) and len(source.commit) == 40


@pytest.mark.real_data
@pytest.mark.parametrize(
    "key, name",
    [
        ("rrt", "ro_rrt-ud-dev.conllu"),
        ("ronec", "valid.json"),
        ("ro_sts", "RO-STS.train.tsv"),
        ("ro_sts", "RO-STS.dev.tsv"),
    ],
)
def test_official_files_have_the_pinned_checksums(romanian_data, key, name):
    assert git_blob_id(romanian_data / key / name) == SOURCES[key].files[name][1]
