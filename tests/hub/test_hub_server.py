import pytest

from helpers.hub_server import TOKEN, USER, Fault
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
    (tmp_path / "files" / "README.md").write_text("---\nlicense: mit\nsdk: gradio\n---\nțară")
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
def test_rights_are_checked(hub, client, tmp_path, token, code, said):
    client.run('api.create_repo("org/private", private=True)')
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


def test_a_slow_answer_arrives(hub, client):
    ready = iter([False, False, True])
    hub.faults[1] = Fault(until=lambda: next(ready))
    assert client.run("print(api.whoami()['name'])") == USER
    assert list(ready) == [], "it was held until all was ready"


def test_only_this_machine_is_served(hub):
    assert hub.server.server_address[0] == "127.0.0.1"


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        ("model-index: [{name: x, results: [{task: {type: a}, dataset: {name: b, type: two words}, metrics: "
         "[{type: f1, value: 1}]}]}]", "dataset.type"),
        ("model-index: [{name: x, results: [{task: {type: a}, dataset: {name: b, type: c}}]}]", "metrics"),
        ("model-index: [{results: []}]", "name"),
        ("language: Romanian", "language"),
        ("license: my own", "license"),
        ("datasets: [a corpus]", "datasets"),
        ("datasets: [a..b]", "datasets"),
        ("base_model: ['']", "base_model"),
        ("base_model_relation: distillation", "base_model_relation"),
        ("a: [", "YAML"),
    ],
)  # fmt: skip
def test_a_card_that_the_hub_refuses_is_refused(hub, client, metadata, said):
    client.run("api.create_repo('org/name', exist_ok=True)")
    card = f"---\n{metadata}\n---\nwords".encode()
    with pytest.raises(RuntimeError, match=f"(?s)Invalid metadata.*{said}"):
        client.run(f"api.upload_file(path_or_fileobj={card!r}, path_in_repo='README.md', repo_id='org/name')")
    assert "README.md" not in hub.files("org/name")
