import subprocess
import sys

import pytest
from conftest import tiny_bert
from hub_server import TOKEN, Fault, Hub


@pytest.fixture
def hub():
    with Hub() as running:
        yield running


def client(hub, home, code, token=TOKEN, expect=0):
    """Run code as another process that has this Hub for the Hub; `api` is there, and nobody waits."""
    lines = [
        "import time",
        "time.sleep = lambda seconds: None",
        "from huggingface_hub import *",
        "api = HfApi()",
        code,
    ]
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)],
        env=hub.environment(home, token),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == expect, done.stderr
    return done.stdout.strip() if expect == 0 else done.stderr.strip()


def saved_model(folder, tokenizer):
    tiny_bert("MaskedLM", vocab_size=len(tokenizer)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def test_what_transformers_pushes_loads_again_bit_for_bit(hub, tmp_path, cased_tokenizer):
    folder = saved_model(tmp_path / "model", cased_tokenizer)
    answer = client(
        hub,
        tmp_path,
        f"""
import torch
from transformers import AutoModelForMaskedLM, AutoTokenizer
model = AutoModelForMaskedLM.from_pretrained({str(folder)!r})
tokenizer = AutoTokenizer.from_pretrained({str(folder)!r})
model.push_to_hub("org/name"); tokenizer.push_to_hub("org/name")
inputs = tokenizer("Fata citește.", return_tensors="pt")
again = AutoModelForMaskedLM.from_pretrained("org/name")(**AutoTokenizer.from_pretrained("org/name")(
    "Fata citește.", return_tensors="pt"))
print(torch.equal(model(**inputs).logits, again.logits))
""",
    )
    assert answer == "True"
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= set(hub.files("org/name"))


@pytest.mark.parametrize("kind", ["model", "dataset", "space"])
def test_a_folder_comes_back_as_it_was_for_every_kind_of_repository(hub, tmp_path, kind):
    (tmp_path / "files" / "inner").mkdir(parents=True)
    (tmp_path / "files" / "README.md").write_text("---\nlicense: mit\n---\nțară")
    (tmp_path / "files" / "inner" / "big.bin").write_bytes(bytes(range(256)) * 100)
    client(
        hub,
        tmp_path,
        f"""
api.create_repo("org/name", repo_type={kind!r}, space_sdk={"gradio" if kind == "space" else None!r})
api.upload_folder(repo_id="org/name", repo_type={kind!r}, folder_path={str(tmp_path / "files")!r})
snapshot_download("org/name", repo_type={kind!r}, local_dir={str(tmp_path / "copy")!r})
""",
    )
    for name in ["README.md", "inner/big.bin"]:
        assert (tmp_path / "copy" / name).read_bytes() == (tmp_path / "files" / name).read_bytes()
    assert set(hub.files("org/name", kind)) == {".gitattributes", "README.md", "inner/big.bin"}


def test_a_file_can_be_deleted_and_a_branch_and_its_parent_are_respected(hub, tmp_path):
    error = client(
        hub,
        tmp_path,
        """
api.create_repo("org/name")
old = api.repo_info("org/name").sha
api.create_branch("org/name", branch="trial")
api.upload_file(path_or_fileobj=b"x", path_in_repo="x.txt", repo_id="org/name", revision="trial")
api.delete_file("x.txt", "org/name", revision="trial")
api.upload_file(path_or_fileobj=b"y", path_in_repo="y.txt", repo_id="org/name")
api.upload_file(path_or_fileobj=b"z", path_in_repo="z.txt", repo_id="org/name", parent_commit=old)
""",
        expect=1,
    )
    assert "412" in error
    assert set(hub.files("org/name", revision="trial")) == {".gitattributes"}
    assert set(hub.files("org/name")) == {".gitattributes", "y.txt"}


@pytest.mark.parametrize(
    ("token", "name", "status"),
    [("hf_wrong", "org/name", "401"), (TOKEN, "stranger/name", "403"), (TOKEN, "org/missing", "404")],
)
def test_rights_are_checked(hub, tmp_path, token, name, status):
    code = f'api.create_repo("{name}")' if status != "404" else f'api.repo_info("{name}")'
    assert status in client(hub, tmp_path, code, token=token, expect=1)


def test_a_private_repository_is_hidden_from_others(hub, tmp_path):
    client(hub, tmp_path, 'api.create_repo("org/name", private=True); print(api.repo_info("org/name").private)')
    assert "Repository Not Found" in client(hub, tmp_path, 'api.repo_info("org/name")', token=None, expect=1)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault(drop=True), "RemoteProtocolError"),
        (Fault(lose=True), "RemoteProtocolError"),
        (Fault(status=503), "503"),
        (Fault(status=429, headers={"Retry-After": "7"}), "429"),
    ],
)
def test_a_fault_strikes_the_request_it_is_set_for_and_no_other(hub, tmp_path, fault, said):
    hub.faults[2] = fault
    code = 'api.repo_exists("org/name"); print("first done", flush=True); api.create_repo("org/name")'
    assert said in client(hub, tmp_path, code, expect=1)
    assert hub.log == ["GET /api/models/org/name", "POST /api/repos/create"]
    assert bool(hub.files("org/name")) == fault.lose, "only a lost answer leaves the work done"
    client(hub, tmp_path, 'api.create_repo("org/name", exist_ok=True)')


def test_a_slow_answer_arrives(hub, tmp_path):
    hub.faults[1] = Fault(seconds=0.5)
    code = "import time as t; start = t.monotonic(); api.whoami(); print(t.monotonic() - start)"
    assert float(client(hub, tmp_path, code)) > 0.5
