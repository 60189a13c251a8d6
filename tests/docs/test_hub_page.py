"""The Python of docs/hub.md runs as it is printed, and pushes to a Hub of the test's own."""

import pytest

from helpers.pages import blocks

PAGE = "docs/hub.md"
TAKEN_FOR_GRANTED = """
import os
os.chdir({folder!r})
from datasets.utils.logging import disable_progress_bar
from peft import LoraConfig, get_peft_model
from helpers.toys import make_toy, make_trainer
from hf_multiteacher import DistillationTrainingArguments, MultiTeacherDistillationTrainer
disable_progress_bar()
args = DistillationTrainingArguments(
    output_dir="adapter", max_steps=1, use_cpu=True, disable_tqdm=True, report_to="none",
    push_to_hub=True, hub_model_id="org/adapter", hub_strategy="end",
)
toy = make_toy("tagging")
pushing = {{"push_to_hub": True, "hub_model_id": "org/student", "hub_private_repo": True, "max_steps": 2}}
saving = {{"hub_strategy": "checkpoint", "save_strategy": "steps", "save_steps": 1}}
trainer = make_trainer(toy, "student", **pushing, **saving)
base, teachers, train, tokenizer = toy.student, toy.teachers, toy.train, toy.tokenizer
models = {{"student": trainer.model, "BERT-base-ro": toy.teachers[0].model}}
batch = tokenizer(["Fata citește o carte lungă."], return_tensors="pt")
batches = dict.fromkeys(models, batch)
trainer.train()
"""


@pytest.fixture
def page(hub, client, home, tmp_path):
    """Runs the blocks under a heading, after what the page takes for granted."""
    folder = home / tmp_path.name
    folder.mkdir()
    client.run(TAKEN_FOR_GRANTED.format(folder=str(folder)))

    def run(heading: str) -> None:
        for block in blocks("python", PAGE):
            if block.heading == heading:
                client.run(block.code)

    return run


def test_all_ways_to_push(page, hub):
    page("From the trainer")
    assert "last-checkpoint/optimizer.pt" in hub.files("org/student")

    page("From Python")
    page("The card")
    assert "0.968" in hub.files("org/student")["README.md"].decode()

    page("What goes up")
    assert "adapter_config.json" in hub.files("org/adapter")
