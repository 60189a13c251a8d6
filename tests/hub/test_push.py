import hashlib
import json
import os
import shutil
from itertools import cycle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from transformers import AutoModelForMaskedLM, AutoTokenizer, pipeline

from helpers.hub_server import OWNER, TOKEN, Fault, Repository
from helpers.models import tiny_bert
from hf_multiteacher.report.card import USER_TEXT_START, DistillationCardData, write_model_card

TEXT = "Fata citește o carte."
PUSHED = {"README.md", "config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "training.png"}
TEACHER = {"name": "one", "id": "one", "revision": "sha256:ab", "tokenizer": "sha256:cd", "dtype": "float32"}
HISTORY = [{"loss": 2.0, "step": 1}, {"loss": 1.0, "step": 2}]


@pytest.fixture(scope="module", autouse=True)
def imported(process):
    process.run("from hf_multiteacher.hub import *")


@pytest.fixture(scope="module")
def trained(home, cased_tokenizer):
    """What a training run leaves: the student, its card, and much that is nobody's business."""
    folder = home / "runs" / "trained"
    tiny_bert("MaskedLM", vocab_size=len(cased_tokenizer)).save_pretrained(folder)
    cased_tokenizer.save_pretrained(folder)
    for saved in (AutoModelForMaskedLM, AutoTokenizer):  # as a training script does: loaded from a local path
        saved.from_pretrained(folder).save_pretrained(folder)
    data = DistillationCardData(
        name="student",
        task="masked-lm",
        teachers=[TEACHER],
        repo_id="org/name",
        log_history=HISTORY,
        arguments={"output_dir": str(folder), "hub_token": TOKEN, "temperature": 2.0},
        command=f"hf-multiteacher distill {folder}/config.yaml --hub_token {TOKEN}",
        training_data=f"{home}/texts/corpus.txt",
    )
    write_model_card(data, folder)
    for name in ["optimizer.pt", "training_args.bin", "projections.safetensors", "teachers.json", ".hidden", "x.png"]:
        (folder / name).write_text(f"{folder} {OWNER} {TOKEN}")
    for name in ["checkpoint-5/model.safetensors", "cache/part.arrow", "logs/events"]:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(f"{folder} {OWNER} {TOKEN}")
    return folder


@pytest.fixture
def student(home, trained):
    yield shutil.copytree(trained, home / "runs" / "student")
    shutil.rmtree(home / "runs" / "student")


def push(client, folder, name="org/name", **options):
    options = "".join(f", {key}={value!r}" for key, value in options.items())
    return client.run(f"print(push_folder({str(folder)!r}, {name!r}{options}).commit_url)")


def hashes(folder):
    return {str(path): hashlib.sha1(path.read_bytes()).digest() for path in folder.rglob("*") if path.is_file()}


def test_exactly_what_a_reader_needs_is_pushed_and_nothing_private_is_in_it(hub, client, student, home):
    before = hashes(student)
    assert push(client, student).startswith(f"{hub.url}/org/name/commit/")
    pushed = hub.files("org/name")
    assert set(pushed) == PUSHED | {".gitattributes"}
    assert hub.repositories["model", "org/name"].messages == ["initial commit", "Upload with hf-multiteacher"]
    for name, content in pushed.items():
        for private in (str(home), str(student), OWNER, TOKEN, str(Path.home() / ""), "/runs/"):
            assert private.encode() not in content, (name, private)
    assert hashes(student) == before


@pytest.mark.slow
def test_it_loads_without_this_package_and_answers_bit_for_bit_as_in_memory(hub, client, student, tmp_path):
    push(client, student)
    model, tokenizer = AutoModelForMaskedLM.from_pretrained(student), AutoTokenizer.from_pretrained(student)
    logits = model(**tokenizer(TEXT, return_tensors="pt")).logits
    with hub.client(tmp_path / "elsewhere", token=None) as stranger:
        stranger.run(f"""
import sys; sys.modules["hf_multiteacher"] = None
import torch
from transformers import AutoModelForMaskedLM, AutoTokenizer, pipeline
model, tokenizer = AutoModelForMaskedLM.from_pretrained("org/name"), AutoTokenizer.from_pretrained("org/name")
torch.save(model(**tokenizer({TEXT!r}, return_tensors="pt")).logits, {str(tmp_path / "logits.pt")!r})
""")
        answer = stranger.run('print(pipeline("fill-mask", model="org/name")("Fata [MASK] o carte.", top_k=3))')
        again = stranger.run(f"print(tokenizer({TEXT!r}))")
        snippet = (student / "README.md").read_text().split("```python\n")[1].split("```")[0]
        assert "token_str" in stranger.run(snippet), "the card's snippet runs as it stands"
    assert torch.equal(logits, torch.load(tmp_path / "logits.pt"))
    assert answer == str(pipeline("fill-mask", model=model, tokenizer=tokenizer)("Fata [MASK] o carte.", top_k=3))
    assert again == str(tokenizer(TEXT))


@pytest.fixture
def requests(hub, client, student):
    """The requests of an undisturbed push."""
    push(client, student, "org/undisturbed", revision="trial")
    log = list(hub.log)
    hub.clear()
    return log


def test_a_push_cut_off_at_any_request_leaves_the_head_whole_and_the_next_one_completes(
    hub, client, student, requests
):
    before = hashes(student)
    assert len(requests) >= 8
    for number in range(1, len(requests) + 1):
        name = f"org/down-{number}"
        hub.forget_requests()
        hub.large_files.clear()
        hub.down_from = number
        with pytest.raises(RuntimeError, match="PushError: Nothing pushed to .* out of reach .* Push again"):
            push(client, student, name, revision="trial")
        hub.forget_requests()
        repository = hub.repositories.get(("model", name))
        assert repository is None or repository.messages == ["initial commit"]
        push(client, student, name, revision="trial")
        assert set(hub.files(name, revision="trial")) == PUSHED | {".gitattributes"}
        assert len(hub.repositories["model", name].commits) == 2
    assert hashes(student) == before


@pytest.mark.slow
def test_a_process_killed_after_any_request_leaves_the_head_whole_and_the_next_one_completes(
    hub, client, student, requests
):
    before = hashes(student)
    for number in range(1, len(requests) + 1):
        name = f"org/killed-{number}"
        hub.forget_requests()
        hub.large_files.clear()
        # a child of the process, which needs no imports of its own
        ended = client.run(f"""
import os
from itertools import count
from huggingface_hub.utils import get_session
send, done = type(get_session()).send, count(1)
def send_and_die(*arguments, **options):
    response = send(*arguments, **options)
    if "/api/agent" not in str(response.url) and next(done) == {number}:
        os.kill(os.getpid(), 9)
    return response
child = os.fork()
if child == 0:
    try:
        type(get_session()).send = send_and_die
        push_folder({str(student)!r}, {name!r}, revision="trial")
    finally:
        os._exit(1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
""")
        assert ended == "-9"
        assert len(hub.log) >= number
        head = hub.files(name, revision="trial") if "trial" in hub.repositories["model", name].branches else {}
        assert set(head) in (set(), {".gitattributes"}, PUSHED | {".gitattributes"})
        push(client, student, name, revision="trial")
        assert set(hub.files(name, revision="trial")) == PUSHED | {".gitattributes"}
        assert len(hub.repositories["model", name].commits) == 2
    assert hashes(student) == before


@pytest.mark.parametrize(
    "fault",
    [
        Fault(drop=True),
        Fault(lose=True),
        Fault(status=503),
        Fault(status=429, headers={"Retry-After": "3"}),
        Fault(until=cycle([False, True]).__next__),
    ],
    ids=["drop", "lose", "503", "429", "slow"],
)
def test_one_fault_at_any_request_does_not_stop_a_push(hub, client, student, requests, fault):
    for number in range(1, len(requests) + 1):
        name = f"org/once-{number}"
        hub.forget_requests()
        hub.large_files.clear()
        hub.faults[number] = fault
        push(client, student, name, revision="trial")
        assert set(hub.files(name, revision="trial")) == PUSHED | {".gitattributes"}
        assert len(hub.repositories["model", name].commits) == 2, "never twice the same commit"


@pytest.mark.parametrize(
    ("token", "name", "said"),
    [
        ("hf_wrong", "org/name", r"does not accept the token \(401\)"),
        (TOKEN, "stranger/name", r"may not write there \(403\)"),
        (TOKEN, "stranger/theirs", r"may not write there \(403\)"),
    ],
)
def test_a_push_without_the_right_says_so_in_one_line(hub, client, student, token, name, said):
    stranger = hub.repositories["model", "stranger/theirs"] = Repository(private=False)
    stranger.commit("main", {}, "theirs")
    with pytest.raises(RuntimeError, match=said) as refused:
        push(client, student, name, token=token)
    assert "\n" not in str(refused.value)
    assert stranger.messages == ["theirs"]


def test_without_a_token_nothing_is_asked_of_the_hub(hub, client, student):
    client.run("import os; del os.environ['HF_TOKEN']")
    try:
        with pytest.raises(RuntimeError, match="no Hub token. Run `hf auth login`, or set HF_TOKEN"):
            push(client, student)
    finally:
        client.run(f"os.environ['HF_TOKEN'] = {TOKEN!r}")
    assert hub.log == []


def test_a_private_student_does_not_land_in_a_public_repository(hub, client, student):
    client.run('HfApi().create_repo("org/public")')
    with pytest.raises(RuntimeError, match="org/public exists and is public"):
        push(client, student, "org/public", private=True)
    assert set(hub.files("org/public")) == {".gitattributes"}
    push(client, student, "org/new", private=True)
    assert hub.repositories["model", "org/new"].private


def test_without_a_card_the_student_goes_up_with_a_warning(hub, client, student):
    (student / "README.md").unlink()
    push(client, student)
    assert "has no README.md, so its readers get no model card" in client.run("print(warned)")
    assert "model.safetensors" in hub.files("org/name")


def test_the_card_loads_the_student_from_where_it_was_pushed_to(hub, client, student):
    push(client, student, "org/other")
    card = hub.files("org/other")["README.md"].decode()
    assert 'pipeline("fill-mask", model="org/other")' in card and "org/name" not in card


def test_a_dry_run_names_the_files_and_stays_off_the_network(hub, client, student):
    said = client.run(f"print(push_folder({str(student)!r}, 'org/name', dry_run=True))")
    assert all(name in said for name in PUSHED) and "optimizer" not in said and "commit_url=None" in said
    assert hub.log == []


def test_the_same_push_again_makes_no_commit(hub, client, student):
    assert push(client, student) == push(client, student)
    assert len(hub.repositories["model", "org/name"].commits) == 2


def test_text_written_on_the_hub_stays_and_text_written_here_goes_there(hub, client, student):
    push(client, student)
    card = hub.files("org/name")["README.md"].decode()
    edited = card.replace(USER_TEXT_START, USER_TEXT_START + "\n## Notes\n\nMulțumim.\n")
    client.run(
        f"HfApi().upload_file(path_or_fileobj={edited.encode()!r}, path_in_repo='README.md', repo_id='org/name')"
    )
    push(client, student)
    assert "Mulțumim." in hub.files("org/name")["README.md"].decode()
    local = card.replace(USER_TEXT_START, USER_TEXT_START + "\nFrom here.\n")
    (student / "README.md").write_text(local)
    push(client, student)
    assert hub.files("org/name")["README.md"].decode() == local


def test_a_checkpoint_can_be_pushed_into_a_folder_without_paths_of_this_machine(hub, client, student):
    state = {"global_step": 5, "best_model_checkpoint": f"{student}/checkpoint-5"}
    (student / "trainer_state.json").write_text(json.dumps(state))
    (student / "optimizer.pt").write_bytes(b"numbers")
    save_file({"0": torch.ones(2, 2)}, student / "projections.safetensors")
    client.run(
        f"push_folder({str(student)!r}, 'org/name', path_in_repo='last-checkpoint', "
        "also=(*CHECKPOINT_FILES, 'projections.safetensors'))"
    )
    pushed = hub.files("org/name")
    wanted = (PUSHED - {"README.md", "training.png"}) | {
        "optimizer.pt",
        "projections.safetensors",
        "trainer_state.json",
    }
    assert set(pushed) == {f"last-checkpoint/{name}" for name in wanted} | {".gitattributes"}
    assert b'"best_model_checkpoint": "checkpoint-5"' in pushed["last-checkpoint/trainer_state.json"]


@pytest.mark.slow
def test_a_peft_student_loads_through_peft(hub, client, student, home, tmp_path):
    push(client, student, "org/base")
    adapter = home / "adapter"
    code = f"""
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForMaskedLM, AutoTokenizer, pipeline
base, tokenizer = AutoModelForMaskedLM.from_pretrained("org/base"), AutoTokenizer.from_pretrained("org/base")
model = get_peft_model(base, LoraConfig(target_modules=["query", "value"], init_lora_weights=False)).eval()
model.save_pretrained({str(adapter)!r}); tokenizer.save_pretrained({str(adapter)!r})
inputs = tokenizer({TEXT!r}, return_tensors="pt")
"""
    client.run(code)
    write_model_card(DistillationCardData("adapter", "masked-lm", [TEACHER], "org/adapter"), adapter)
    push(client, adapter, "org/adapter")
    again = "PeftModel.from_pretrained(AutoModelForMaskedLM.from_pretrained('org/base'), 'org/adapter')"
    assert client.run(f"print(torch.equal(model(**inputs).logits, {again}.eval()(**inputs).logits))") == "True"
    snippet = (adapter / "README.md").read_text().split("```python\n")[1].split("```")[0]
    assert "token_str" in client.run(snippet)
    assert "base_model:\n- org/base\n" in (adapter / "README.md").read_text()


MEASURE = """
import datasets
import evaluate


class Agreement(evaluate.Metric):
    def _info(self):
        features = datasets.Features({name: datasets.Value("int64") for name in ("predictions", "references")})
        return evaluate.MetricInfo(description="", citation="", features=features)

    def _compute(self, predictions, references):
        return {"agreement": sum(p == r for p, r in zip(predictions, references)) / len(references)}
"""


def test_a_metric_space_loads_with_evaluate(hub, client, home):
    folder = home / "agreement"
    folder.mkdir()
    (folder / "agreement.py").write_text(MEASURE)
    (folder / "app.py").write_text("import gradio\n")
    (folder / "requirements.txt").write_text("evaluate\n")
    (folder / "README.md").write_text("---\nsdk: gradio\n---\n# Agreement\n")
    shutil.copytree(folder, folder / "__pycache__")
    push(client, folder, "org/agreement", repo_type="space")
    assert set(hub.files("org/agreement", "space")) - {".gitattributes"} == set(os.listdir(folder)) - {"__pycache__"}
    assert hub.repositories["space", "org/agreement"].sdk == "gradio"
    code = "import evaluate; measure = evaluate.load('org/agreement')"
    assert "0.5" in client.run(f"{code}; print(measure.compute(predictions=[1, 2], references=[1, 1]))")
