import hashlib
import json
import re
import shutil
from inspect import signature
from pathlib import Path

import pytest
import torch
from huggingface_hub import metadata_load
from transformers import Trainer

from helpers.hub_server import OWNER, TOKEN, Fault
from hf_multiteacher.hub.publishing import PublishingMixin
from hf_multiteacher.report.card import USER_TEXT_START

MODEL = {"README.md", "config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}
RESUMABLE = {"optimizer.pt", "scheduler.pt", "rng_state.pth", "trainer_state.json", "teacher_manifest.json"}
TEXT = "Fata citește o carte lungă."
CLASSES = {"masked-lm": "MaskedLM", "tagging": "TokenClassification", "single-label": "SequenceClassification"}
PIPELINES = {"masked-lm": "fill-mask", "tagging": "token-classification", "single-label": "text-classification"}


@pytest.fixture(scope="module", autouse=True)
def prepared(process):
    process.run("""
import os
from functools import cache
import torch
from datasets.utils.logging import disable_progress_bar
from helpers.toys import encode, make_toy, make_trainer, raw_data, weights_of
from hf_multiteacher.hub import PushError
disable_progress_bar()
toy_of = cache(make_toy)
def taught(task, folder, **changes):
    settings = {"push_to_hub": True, "hub_model_id": "org/student", "hub_always_push": True, "max_steps": 4,
                "save_strategy": "steps", "save_steps": 2, "logging_steps": 2}
    return make_trainer(toy_of(task), folder, **settings | changes)
""")


@pytest.fixture
def folder(home, tmp_path):
    """Where the trainer writes: at home, under a new name."""
    return home / "runs" / tmp_path.name


def train(client, task, folder, name="org/student", **changes):
    changes = {"hub_model_id": name} | changes
    options = ", ".join(f"{key}={value!r}" for key, value in changes.items())
    client.run(f"trainer = taught({task!r}, {str(folder)!r}, {options}); trainer.train()")


def images(files):
    return {name for name in files if name.endswith(".png")}


def messages(hub, name="org/student"):
    return hub.repositories["model", name].messages[1:]


def hashes(folder):
    return {str(path): hashlib.sha1(path.read_bytes()).digest() for path in folder.rglob("*") if path.is_file()}


def nothing_private(hub, home):
    """Look through every file of every commit."""
    for repository in hub.repositories.values():
        for tree in repository.commits.values():
            for name, content in tree.items():
                for private in (str(home), OWNER, TOKEN, str(Path.home() / ""), "/runs/"):
                    assert private.encode() not in content, (name, private)
    return True


@pytest.mark.parametrize("name", ["init_hf_repo", "create_model_card", "push_to_hub", "_push_from_checkpoint"])
def test_an_override_has_the_trainer_s_own_signature(name):
    own, theirs = (
        [(each.name, each.kind, each.default) for each in signature(getattr(owner, name)).parameters.values()]
        for owner in (PublishingMixin, Trainer)
    )
    assert own[: len(theirs)] == theirs
    assert [each[0] for each in own[len(theirs) :]] == (["fields"] if name == "create_model_card" else [])


@pytest.mark.slow
@pytest.mark.parametrize("task", CLASSES)
def test_it_loads_without_this_package_and_answers_bit_for_bit_as_in_memory(hub, client, home, folder, tmp_path, task):
    question = TEXT.replace("carte", "[MASK]") if task == "masked-lm" else TEXT
    train(client, task, folder, hub_strategy="end", eval_strategy="steps", eval_steps=2)
    assert client.run("print(trainer.push_to_hub(language='ro').commit_url)").startswith(f"{hub.url}/org/student/")
    here = client.run(f"""
from transformers import pipeline
model, tokenizer = trainer.model.eval(), trainer.processing_class
torch.save(model(**tokenizer({TEXT!r}, return_tensors="pt")).logits, {str(tmp_path / "here.pt")!r})
print(tokenizer({TEXT!r}), pipeline({PIPELINES[task]!r}, model=model, tokenizer=tokenizer)({question!r}))
""")
    with hub.client(tmp_path / "elsewhere", token=None) as stranger:
        # a copy, because weights in a mapped file stand at odd addresses, where matrix products round differently
        there = stranger.run(f"""
import sys; sys.modules["hf_multiteacher"] = None
import torch
from copy import deepcopy
from transformers import AutoModelFor{CLASSES[task]}, AutoTokenizer, pipeline
model = deepcopy(AutoModelFor{CLASSES[task]}.from_pretrained("org/student"))
tokenizer = AutoTokenizer.from_pretrained("org/student")
torch.save(model(**tokenizer({TEXT!r}, return_tensors="pt")).logits, {str(tmp_path / "there.pt")!r})
loaded = pipeline({PIPELINES[task]!r}, model="org/student")
loaded.model = deepcopy(loaded.model)
print(tokenizer({TEXT!r}), loaded({question!r}))
""")
        snippet = hub.files("org/student")["README.md"].decode().split("```python\n")[1].split("```")[0]
        assert "score" in stranger.run(snippet), "the card's snippet runs as it stands"
    assert torch.equal(torch.load(tmp_path / "here.pt"), torch.load(tmp_path / "there.pt"))
    assert here == there
    assert nothing_private(hub, home)


STRATEGIES = {
    "end": [],
    "every_save": ["Training in progress, step 2", "Training in progress, step 4"],
    "checkpoint": [f"Training in progress, step {step}{part}" for step in (2, 4) for part in ("", ", checkpoint")],
    "all_checkpoints": [
        f"Training in progress, step {step}{part}" for step in (2, 4) for part in ("", ", checkpoint")
    ],
}
FOLDERS = {"checkpoint": ["last-checkpoint"], "all_checkpoints": ["checkpoint-2", "checkpoint-4"]}


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_strategy_pushes_what_it_promises_and_nothing_private(hub, client, home, folder, strategy):
    train(client, "masked-lm", folder, hub_strategy=strategy, hidden_state_weight=1.0)
    pushed = hub.files("org/student")
    assert messages(hub) == STRATEGIES[strategy]
    expected = set() if strategy == "end" else MODEL | images(pushed)
    for place in FOLDERS.get(strategy, []):
        expected |= {f"{place}/{name}" for name in (MODEL - {"README.md"}) | RESUMABLE | {"projections.safetensors"}}
        step = place.replace("last-checkpoint", "checkpoint-4")
        for name in ("model.safetensors", "optimizer.pt", "projections.safetensors"):
            assert pushed[f"{place}/{name}"] == (folder / step / name).read_bytes()
    assert set(pushed) == expected | {".gitattributes"}
    if strategy != "end":
        assert pushed["model.safetensors"] == (folder / "checkpoint-4" / "model.safetensors").read_bytes()
        assert "![" in pushed["README.md"].decode() and images(pushed)
    client.run("trainer.save_model()")
    pushed = hub.files("org/student")
    assert messages(hub) == [*STRATEGIES[strategy], "Model save"]
    assert {name for name in pushed if "/" not in name} == MODEL | images(pushed) | {".gitattributes"}
    assert pushed["model.safetensors"] == (folder / "model.safetensors").read_bytes()
    assert not list(folder.glob("_*")) and nothing_private(hub, home)
    assert client.run("print(warned)") == "[]"


@pytest.mark.slow
def test_a_run_continues_from_what_was_pushed_as_if_it_had_never_stopped(hub, client, folder):
    settings = {"hidden_state_weight": 1.0, "hub_strategy": "checkpoint"}
    train(client, "masked-lm", folder / "whole", push_to_hub=False, max_steps=8, **settings)
    client.run("whole = weights_of(trainer)")
    train(client, "masked-lm", folder / "first", max_steps=8, save_steps=4, **settings)
    # the head as it was after the first save
    repository = hub.repositories["model", "org/student"]
    repository.branches["main"] = [*repository.commits][2]
    assert repository.messages[2] == "Training in progress, step 4, checkpoint"
    client.run(f"""
copy = snapshot_download("org/student", local_dir={str(folder / "copy")!r})
trainer = taught("masked-lm", {str(folder / "second")!r}, max_steps=8, push_to_hub=False, hidden_state_weight=1.0)
trainer.train(resume_from_checkpoint=copy + "/last-checkpoint")
""")
    assert json.loads((folder / "copy/last-checkpoint/trainer_state.json").read_text())["global_step"] == 4
    assert client.run("print(all(torch.equal(w, whole[n]) for n, w in weights_of(trainer).items()))") == "True"


def test_a_save_is_skipped_while_the_last_one_is_on_its_way_and_rotation_takes_nothing_from_it(hub, client, folder):
    def rotated():
        return [path.name for path in folder.glob("checkpoint-*")] == ["checkpoint-4"]

    hub.faults[2] = Fault(until=rotated)
    train(client, "masked-lm", folder, save_steps=1, save_total_limit=1, hub_always_push=False)
    assert messages(hub) == ["Training in progress, step 1"]
    assert [path.name for path in folder.glob("checkpoint-*")] == ["checkpoint-4"]
    assert MODEL <= set(hub.files("org/student"))
    hub.clear()
    shutil.rmtree(folder)
    hub.faults[2] = Fault(until=rotated)
    train(client, "masked-lm", folder, save_steps=1, save_total_limit=1, hub_always_push=True)
    assert messages(hub) == [f"Training in progress, step {step}" for step in (1, 2, 3, 4)]


def test_a_push_that_fails_does_not_end_the_training_and_the_next_save_pushes_again(hub, client, folder):
    for number in range(2, 6):
        hub.faults[number] = Fault(drop=True)  # all attempts of the first step of the first push
    train(client, "masked-lm", folder)
    assert messages(hub) == ["Training in progress, step 4"]
    warned = client.run("print(warned)")
    assert "A push to the Hub failed, and the run goes on" in warned and "out of reach" in warned
    assert client.run("print(trainer.state.global_step)") == "4" and not list(folder.glob("_*"))


def test_a_card_that_cannot_be_written_does_not_end_the_training_either(hub, client, folder):
    client.run(f"""
def fail(**card):
    raise ValueError("no card today")
trainer = taught("masked-lm", {str(folder)!r})
trainer.create_model_card = fail
trainer.train()
""")
    assert client.run("print(trainer.state.global_step)") == "4" and messages(hub) == []
    assert "the run goes on" in (warned := client.run("print(warned)")) and "ValueError: no card today" in warned
    assert not [*folder.glob("_being_pushed-*")]


def test_where_the_user_asked_for_the_push_a_failure_is_an_error(hub, client, folder):
    train(client, "masked-lm", folder, hub_strategy="end")
    hub.down_from = 1
    for call in ("trainer.push_to_hub()", "trainer.save_model()", "trainer.push_to_hub(blocking=False).result()"):
        with pytest.raises(RuntimeError, match="PushError: Nothing pushed to org/student: the Hub is out of reach"):
            client.run(call)
    assert MODEL <= {path.name for path in folder.iterdir()}, "the student is saved all the same"
    with pytest.raises(RuntimeError, match="PushError: Nothing pushed to org/other: the Hub is out of reach"):
        train(client, "masked-lm", folder, "org/other")
    hub.forget_requests()
    client.run("trainer.push_to_hub()")
    assert MODEL <= set(hub.files("org/student"))


@pytest.mark.slow
def test_cut_off_at_any_request_the_head_stays_whole_and_nothing_is_lost(hub, client, folder):
    def push_everything(name):
        train(client, "masked-lm", folder / name, f"org/{name}", hub_strategy="checkpoint", max_steps=2)
        client.run("trainer.push_to_hub()")

    push_everything("undisturbed")
    requests, whole = list(hub.log), set(hub.files("org/undisturbed"))
    checkpoint = {name for name in whole if "/" in name}
    allowed = [{".gitattributes"}, whole - checkpoint - {"training.png"}, whole - {"training.png"}, whole]
    assert len(requests) > 15 and len(checkpoint) == 9
    for number in range(2, len(requests) + 1):
        name = f"down-{number}"
        hub.forget_requests()
        hub.large_files.clear()
        hub.down_from = number
        with pytest.raises(RuntimeError, match="PushError: Nothing pushed to .* out of reach .* Push again"):
            push_everything(name)
        before = hashes(folder / name)
        hub.forget_requests()
        for tree in hub.repositories["model", f"org/{name}"].commits.values():
            assert set(tree) | {"training.png"} in [each | {"training.png"} for each in allowed], number
        client.run("trainer.push_to_hub()")
        head = hub.files(f"org/{name}")
        assert set(head) - checkpoint == whole - checkpoint
        assert head["model.safetensors"] == (folder / name / "model.safetensors").read_bytes()
        after = hashes(folder / name)
        assert {path: after[path] for path in before if "checkpoint-" in path} == {
            path: each for path, each in before.items() if "checkpoint-" in path
        }
        assert not list((folder / name).glob("_*"))


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/commit/", "/large/", "batch"])
def test_killed_while_it_pushes_the_head_is_whole_and_a_resumed_run_pushes_again(hub, client, home, folder, path):
    with hub.client(home) as victim, pytest.raises(RuntimeError, match="process ended"):
        victim.run(f"""
import os
from helpers.toys import make_toy, make_trainer
from huggingface_hub.utils import get_session
send = type(get_session()).send
def send_and_die(*arguments, **options):
    response = send(*arguments, **options)
    if {path!r} in str(response.url):
        os.kill(os.getpid(), 9)
    return response
type(get_session()).send = send_and_die
make_trainer(make_toy("masked-lm"), {str(folder)!r}, push_to_hub=True, hub_model_id="org/student", max_steps=4,
             save_strategy="steps", save_steps=2, hub_strategy="every_save").train()
""")
    head = set(hub.files("org/student"))
    assert head == {".gitattributes"} or MODEL <= head
    assert (folder / "checkpoint-2" / "optimizer.pt").is_file() and list(folder.glob("_*"))
    client.run(f"""
trainer = taught("masked-lm", {str(folder)!r}, hub_strategy="every_save", max_steps=8)
trainer.train(resume_from_checkpoint=True)
""")
    assert messages(hub)[-1] == "Training in progress, step 8"
    assert hub.files("org/student")["model.safetensors"] == (folder / "checkpoint-8/model.safetensors").read_bytes()
    assert not list(folder.glob("_*"))


def test_private_branch_token_and_background(hub, client, home, folder):
    client.run("del os.environ['HF_TOKEN']")
    try:
        settings = {
            "hub_private_repo": True,
            "hub_revision": "trial",
            "hub_token": TOKEN,
            "hub_strategy": "every_save",
        }
        train(client, "masked-lm", folder, **settings)
        assert client.run("print(trainer.push_to_hub('Last', blocking=False).result().repo_id)") == "org/student"
        saved = [*folder.rglob("training_args.bin")]
        assert len(saved) > 1 and not any(TOKEN.encode() in path.read_bytes() for path in saved)
        with pytest.raises(RuntimeError, match="no Hub token. Run `hf auth login`"):
            train(client, "masked-lm", folder)
    finally:
        client.run(f"os.environ['HF_TOKEN'] = {TOKEN!r}")
    assert hub.repositories["model", "org/student"].private
    assert messages(hub) == ["Training in progress, step 2", "Training in progress, step 4", "Last"]
    assert set(hub.files("org/student")) == {".gitattributes"}
    assert MODEL <= set(hub.files("org/student", revision="trial")) and nothing_private(hub, home)


def test_pushes_arrive_in_the_order_in_which_they_were_asked_for(hub, client, folder):
    train(client, "masked-lm", folder, hub_strategy="end")
    client.run("""
import threading
from hf_multiteacher.hub import publishing
order, first = [], threading.Event()
push_folder = publishing.push_folder
def slow(*args, message, **options):
    if message == "one":
        first.wait(0.5)
    order.append(message)
    return push_folder(*args, message=message, **options)
publishing.push_folder = slow
trainer.push_to_hub("one", blocking=False)
trainer.push_to_hub("two")
publishing.push_folder = push_folder
""")
    assert client.run("print(order)") == "['one', 'two']"


def test_a_run_that_should_be_private_does_not_start_on_a_public_repository(hub, client, folder):
    client.run("create_repo('org/student')")
    with pytest.raises(RuntimeError, match="PushError: .*org/student exists and is public"):
        train(client, "masked-lm", folder, hub_private_repo=True)


def test_projections_and_manifest_go_up_only_when_asked_for(hub, client, folder):
    train(client, "masked-lm", folder, hub_strategy="end", hidden_state_weight=1.0)
    asked = {"projections.safetensors", "teacher_manifest.json"}
    client.run("trainer.push_to_hub()")
    assert not asked & set(hub.files("org/student"))
    client.run(f"trainer.push_to_hub(also={sorted(asked)})")
    assert asked <= set(hub.files("org/student"))
    assert hub.files("org/student")["projections.safetensors"] == (folder / "projections.safetensors").read_bytes()


def test_a_repository_is_named_after_the_folder_and_owned_by_the_token_s_user(hub, client, folder):
    train(client, "masked-lm", folder / "little", None, push_to_hub=False)
    client.run("trainer.push_to_hub()")
    assert 'model="someone/little"' in hub.files("someone/little")["README.md"].decode()


def test_only_the_first_rank_pushes(hub, client, folder):
    train(client, "masked-lm", folder, push_to_hub=False)
    client.run("""
trainer.is_world_process_zero = lambda: False
trainer.push_to_hub(); trainer._push_from_checkpoint(trainer.args.output_dir)
""")
    assert hub.log == [] and not (folder / "README.md").exists()


def test_the_card_that_a_subclass_writes_goes_up_and_what_the_user_wrote_into_it_stays(hub, client, folder):
    client.run("""
from hf_multiteacher import MultiTeacherDistillationTrainer
class Romanian(MultiTeacherDistillationTrainer):
    def create_model_card(self, **card):
        super().create_model_card(**{"language": "ro", "license": "mit"} | card)
""")
    client.run(f"trainer = taught('masked-lm', {str(folder)!r}, trainer=Romanian, save_steps=4); trainer.train()")
    card = hub.files("org/student")["README.md"].decode()
    assert "language:\n- ro\n" in card and "license: mit\n" in card
    (folder / "README.md").write_text(card.replace(USER_TEXT_START, USER_TEXT_START + "\nMulțumim.\n"))
    client.run("trainer.push_to_hub(license='apache-2.0')")
    card = hub.files("org/student")["README.md"].decode()
    assert "license: apache-2.0\n" in card and "Mulțumim." in card


def test_without_teachers_the_push_is_the_trainer_s_own(hub, client, folder):
    train(client, "single-label", folder, teachers=None, hub_strategy="checkpoint")
    client.run("trainer.push_to_hub()")
    pushed = hub.files("org/student")
    assert "training_args.bin" in pushed and "last-checkpoint/optimizer.pt" in pushed
    assert "distilled with" not in pushed["README.md"].decode() and "Trainer" in pushed["README.md"].decode()


@pytest.mark.slow
def test_a_lora_student_is_pushed_as_an_adapter_and_loads_through_peft(hub, client, home, folder, tmp_path):
    client.run(f"""
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForTokenClassification
toy = toy_of("tagging")
toy.student.save_pretrained({str(folder / "base")!r}); toy.tokenizer.save_pretrained({str(folder / "base")!r})
from hf_multiteacher.hub import push_folder
push_folder({str(folder / "base")!r}, "org/base")
base = AutoModelForTokenClassification.from_pretrained("org/base")
student = get_peft_model(base, LoraConfig(task_type="TOKEN_CLS", target_modules=["query", "value"]))
trainer = make_trainer(toy, {str(folder / "lora")!r}, model=student, learning_rate=0.5, push_to_hub=True,
                       hub_model_id="org/lora", save_strategy="steps", save_steps=10)
trainer.train(); trainer.push_to_hub()
torch.save(student.eval()(**toy.tokenizer({TEXT!r}, return_tensors="pt")).logits, {str(tmp_path / "here.pt")!r})
""")
    pushed = hub.files("org/lora")
    adapter = {
        "README.md",
        "adapter_config.json",
        "adapter_model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    }
    assert set(pushed) == adapter | images(pushed) | {".gitattributes"}
    assert messages(hub, "org/lora")[0] == "Training in progress, step 10"
    for tree in list(hub.repositories["model", "org/lora"].commits.values())[1:]:
        card = tree["README.md"].decode()
        assert "ordinary PEFT adapter" in card and "library_name: peft" in card
        assert "base_model:\n- org/base\n" in card and "base_model_relation: adapter\n" in card
    assert "distilled with" not in (folder / "lora/checkpoint-10/README.md").read_text(), "PEFT's draft is left alone"
    megabytes = len(pushed["adapter_model.safetensors"]) / 2**20
    assert f"| {megabytes:.4g} |" in card, "what is saved of the student is the adapter"
    with hub.client(tmp_path / "elsewhere", token=None) as stranger:
        stranger.run(f"""
import sys; sys.modules["hf_multiteacher"] = None
import torch
from copy import deepcopy
from peft import AutoPeftModelForTokenClassification
from transformers import AutoTokenizer
model = deepcopy(AutoPeftModelForTokenClassification.from_pretrained("org/lora", num_labels=4))
tokenizer = AutoTokenizer.from_pretrained("org/lora")
torch.save(model.eval()(**tokenizer({TEXT!r}, return_tensors="pt")).logits, {str(tmp_path / "there.pt")!r})
""")
        snippet = card.split("```python\n")[1].split("```")[0]
        assert "score" in stranger.run(snippet), "the card's snippet runs as it stands"
    assert torch.equal(torch.load(tmp_path / "here.pt"), torch.load(tmp_path / "there.pt"))
    assert nothing_private(hub, home)


def test_the_command_pushes_a_folder_and_says_what_and_where(hub, client, folder):
    train(client, "masked-lm", folder, push_to_hub=False)
    client.run("trainer.save_model(); trainer.create_model_card()")
    command = f"from hf_multiteacher.commands.main import main; print(main(['push', {str(folder)!r}, 'org/student'"
    said = client.run(f"{command}, '--private', '--revision', 'trial', '--also', 'teacher_manifest.json']))").split(
        "\n"
    )
    head = hub.files("org/student", revision="trial")
    assert set(said[:-2]) == set(head) - {".gitattributes"} == MODEL | images(head) | {"teacher_manifest.json"}
    assert re.fullmatch(rf"{len(said) - 2} files, 0\.\d+ MB: {hub.url}/org/student/commit/\w+", said[-2])
    assert said[-1] == "0" and hub.repositories["model", "org/student"].private
    hub.down_from = 1
    assert client.run(f"{command}]))") == "2"


def test_the_metadata_of_the_pushed_card_is_what_was_measured(hub, client, folder, tmp_path):
    train(client, "tagging", folder, eval_strategy="steps", eval_steps=4)
    client.run("trainer.push_to_hub(dataset='a corpus', dataset_tags='org/corpus', tags=['toy'], model_name='Toy')")
    (tmp_path / "README.md").write_bytes(hub.files("org/student")["README.md"])
    found = metadata_load(tmp_path / "README.md")
    loss = json.loads(client.run("import json; print(json.dumps(trainer.state.log_history[-2]['eval_loss']))"))
    assert found["datasets"] == ["org/corpus"] and "toy" in found["tags"]
    assert found["model-index"][0]["name"] == "Toy"
    assert found["model-index"][0]["results"][0]["metrics"] == [{"type": "loss", "value": loss}]
