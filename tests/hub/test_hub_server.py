import time

import pytest

from helpers.hub_server import TOKEN, Fault
from helpers.models import tiny_bert


@pytest.fixture(scope="module", autouse=True)
def connected(process):
    process.run("api = HfApi()")


def test_what_transformers_pushes_loads_again_bit_for_bit(hub, client, tmp_path, cased_tokenizer):
    tiny_bert("MaskedLM", vocab_size=len(cased_tokenizer)).save_pretrained(tmp_path / "model")
    cased_tokenizer.save_pretrained(tmp_path / "model")
    answer = client.run(f"""
import torch
from transformers import AutoModelForMaskedLM, AutoTokenizer
def load(name):
    tokenizer, model = AutoTokenizer.from_pretrained(name), AutoModelForMaskedLM.from_pretrained(name)
    return tokenizer, model, model(**tokenizer("Fata citește.", return_tensors="pt")).logits
tokenizer, model, logits = load({str(tmp_path / "model")!r})
model.push_to_hub("org/name"); tokenizer.push_to_hub("org/name")
print(torch.equal(logits, load("org/name")[2]))
""")
    assert answer == "True"
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= set(hub.files("org/name"))


@pytest.mark.parametrize("kind", ["model", "dataset", "space"])
def test_a_folder_comes_back_as_it_was_for_every_kind_of_repository(hub, client, tmp_path, kind):
    (tmp_path / "files" / "inner").mkdir(parents=True)
    (tmp_path / "files" / "README.md").write_text("---\nlicense: mit\n---\nțară")
    (tmp_path / "files" / "inner" / "big.bin").write_bytes(bytes(range(256)) * 100)
    client.run(f"""
api.create_repo("org/name", repo_type={kind!r}, space_sdk={"gradio" if kind == "space" else None!r})
api.upload_folder(repo_id="org/name", repo_type={kind!r}, folder_path={str(tmp_path / "files")!r})
snapshot_download("org/name", repo_type={kind!r}, local_dir={str(tmp_path / "copy")!r})
""")
    for name in ["README.md", "inner/big.bin"]:
        assert (tmp_path / "copy" / name).read_bytes() == (tmp_path / "files" / name).read_bytes()
    assert set(hub.files("org/name", kind)) == {".gitattributes", "README.md", "inner/big.bin"}


def test_files_are_deleted_and_branches_and_parents_are_respected(hub, client):
    client.run("""
api.create_repo("org/name")
old = api.repo_info("org/name").sha
api.create_branch("org/name", branch="trial")
api.upload_file(path_or_fileobj=b"x", path_in_repo="x.txt", repo_id="org/name", revision="trial")
api.delete_file("x.txt", "org/name", revision="trial")
api.upload_file(path_or_fileobj=b"y", path_in_repo="y.txt", repo_id="org/name")
""")
    with pytest.raises(RuntimeError, match="412"):
        client.run('api.upload_file(path_or_fileobj=b"z", path_in_repo="z", repo_id="org/name", parent_commit=old)')
    assert set(hub.files("org/name", revision="trial")) == {".gitattributes"}
    assert set(hub.files("org/name")) == {".gitattributes", "y.txt"}


@pytest.mark.parametrize(
    ("token", "code", "said"),
    [
        ("hf_wrong", 'api.create_repo("org/name")', "401"),
        (TOKEN, 'api.create_repo("stranger/name")', "403"),
        (TOKEN, 'api.repo_info("org/missing")', "RepositoryNotFoundError"),
        (None, 'api.repo_info("org/private")', "RepositoryNotFoundError"),
        (TOKEN, 'api.repo_info("org/private", revision="nowhere")', "RevisionNotFoundError"),
    ],
)
def test_rights_are_checked(hub, tmp_path, token, code, said):
    with hub.client(tmp_path) as owner:
        owner.run('HfApi().create_repo("org/private", private=True)')
    with hub.client(tmp_path, token) as other, pytest.raises(RuntimeError, match=said):
        other.run(f"api = HfApi(); {code}")


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault(drop=True), "RemoteProtocolError"),
        (Fault(lose=True), "RemoteProtocolError"),
        (Fault(status=503), "503"),
        (Fault(status=429, headers={"Retry-After": "7"}), "429"),
    ],
)
def test_a_fault_strikes_the_request_it_is_set_for_and_no_other(hub, client, fault, said):
    hub.faults[2] = fault
    client.run('assert not api.repo_exists("org/name")')
    with pytest.raises(RuntimeError, match=said):
        client.run('api.create_repo("org/name")')
    assert hub.log == ["GET /api/models/org/name", "POST /api/repos/create"]
    assert bool(hub.files("org/name")) == fault.lose, "only a lost answer leaves the work done"
    client.run('api.create_repo("org/name", exist_ok=True)')


def test_a_slow_answer_arrives(hub, client, tmp_path):
    now = tmp_path / "now"
    hub.faults[1] = Fault(until=now)
    client.start(f"api.whoami(); print(os.path.exists({str(now)!r}))")
    while not hub.log:
        time.sleep(0.01)
    now.touch()
    assert client.result() == "True", "it came after the file was there"


def test_only_this_machine_is_served(hub):
    assert hub.server.server_address[0] == "127.0.0.1"
