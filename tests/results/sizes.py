"""How large and how fast the student is beside the encoders that it comes from: docs/results/sizes.json."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModel, AutoTokenizer

from hf_multiteacher import student_from_teacher
from hf_multiteacher.report.benchmark import compare, describe_machine
from hf_multiteacher.romanian import load_task

TEXTS, LENGTH, ROUNDS = 16, 64, 15
STUDENT = "student"


def measure_sizes(models: Mapping[str, str], trimmed: str, layers: int, path: Path, data: str) -> None:
    """Measure a student of some layers of a trimmed encoder beside others, on the same texts, and write the figures.

    Args:
        models: Names -> folders or ids of encoders.
        trimmed: The name of that from which the student is made.
        layers: How many layers it takes.
        path: The file to write.
        data: As for `load_task`: the texts are reviews.
    """
    loaded: dict[str, Any] = {name: AutoModel.from_pretrained(source).eval() for name, source in models.items()}
    loaded[STUDENT] = student_from_teacher(loaded[trimmed], layers)
    sources = {**models, STUDENT: models[trimmed]}

    texts = load_task("sapn", data).data["validation"]["text_pair"][:]
    chosen = sorted(texts, key=len)[len(texts) // 2 :][:: len(texts) // 2 // TEXTS][:TEXTS]
    batches = {name: _encoded(source, chosen) for name, source in sources.items()}
    rows = compare(loaded, batches, reference=STUDENT, rounds=ROUNDS)

    content = {"machine": describe_machine(), "threads": torch.get_num_threads(), "texts": TEXTS, "length": LENGTH}
    path.write_text(json.dumps({**content, "models": rows}, indent=1) + "\n", encoding="utf-8")


def _encoded(source: str, texts: list[str]) -> dict[str, torch.Tensor]:
    tokenizer = AutoTokenizer.from_pretrained(source)
    return dict(tokenizer(texts, truncation=True, padding=True, max_length=LENGTH, return_tensors="pt"))
