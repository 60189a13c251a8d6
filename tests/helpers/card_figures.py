"""The figures of a student, as a card tells them, and the card taken apart."""

import re

from hf_multiteacher.report.card_data import DistillationCardData, Evaluation

TEACHERS = [
    {
        "name": "cased",
        "id": "dumitrescustefan/bert-base-romanian-cased-v1",
        "revision": "0123456789abcdef",
        "tokenizer": "sha256:aaaabbbbccccdddd",
        "dtype": "float32",
    },
    {"name": "mine", "id": "mine", "revision": "sha256:11112222333344", "tokenizer": None, "dtype": "bfloat16"},
]
ARGUMENTS = {
    "teacher_weights": [3, 1],
    "temperature": 2.0,
    "soft_target_weight": 0.5,
    "learning_rate": 5e-4,
    "layer_map": {-1: -1},
    "output_dir": "/home/ioana/out",
    "hub_token": "hf_" + "x" * 34,
}
HISTORY = [
    {"loss": 2.0, "step": 10},
    {"loss": 1.0, "step": 20},
    {"train_runtime": 61.25, "step": 20, "epoch": 2.0, "train_loss": 1.5},
]


def measured_student():
    """A student of which everything was measured."""
    tagging = {"student": {"accuracy": 0.95, "loss": 0.2}, "cased": {"accuracy": 0.97}, "mine": {"accuracy": 0.9}}
    sentence = {"student": {"f1": 0.8}, "cased": {"f1": 0.85}, "mine": {"f1": "it has no sentence head"}}
    return DistillationCardData(
        name="student",
        task="masked-lm",
        teachers=TEACHERS,
        repo_id="org/student",
        arguments=ARGUMENTS,
        log_history=HISTORY,
        evaluations=[
            Evaluation("universal_dependencies", "token-classification", tagging, split="test"),
            Evaluation("laroseda", "text-classification", sentence),
        ],
        loyalty={name: {"label_loyalty": 0.9, "probability_loyalty": 0.8} for name in ("cased", "mine", "ensemble")},
        sizes={
            name: {"parameters": 81_000_000, "megabytes": 312.0, "latency_ms": 9.5, "memory_mb": "no GPU"}
            for name in ("student", "cased", "mine")
        },
        coverage={"cased": {"spans": 1.0, "masked_spans": 1.0}, "mine": {"spans": 0.83, "masked_spans": 0.81}},
        machine="a processor, 2 cores",
        languages=["ro"],
        license="mit",
        datasets=["oscar"],
        example="București este [MASK] României.",
        command="hf-multiteacher distill /home/ioana/runs/config.yaml --hub_token hf_" + "x" * 34,
    )


def sections(card):
    """The parts of a card by their headings."""
    return {part.split("\n")[0]: part for part in re.split(r"^##+ ", card, flags=re.MULTILINE)}
