"""What the code of a page takes for granted: the names that its text speaks of, and folders where it says they lie."""

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from datasets import Dataset
from transformers import DataCollatorWithPadding, Trainer

import hf_multiteacher
from helpers.models import tiny_bert
from helpers.ronec import ronec_record
from helpers.saved_encoders import save_encoder
from helpers.toys import make_toy, make_trainer, words_of
from helpers.treebank import TREEBANK

LAYERS = 6
"""What the pages take from their teachers."""


@pytest.fixture
def taken_for_granted(tmp_path, monkeypatch, pair):
    """Page -> the names that its code may use; the working directory has what the code reads."""
    monkeypatch.chdir(tmp_path)

    def names_of(page: str) -> dict:
        names = {name: getattr(hf_multiteacher, name) for name in hf_multiteacher.__all__}
        return names | _tokenizers(pair) | OF_A_PAGE.get(page, _script)()

    return names_of


def _tokenizers(pair) -> dict:
    first, second = pair
    names = dict.fromkeys(("tokenizer", "student_tokenizer", "teacher_tokenizer", "first_teacher_tokenizer"), first)
    text = "Fata citește o carte lungă."
    return names | {
        "second_teacher_tokenizer": second,
        "teacher_tokenizers": [first, second],
        "text": text,
        "texts": [text, " ".join(words_of(3))],
    }


def _data() -> dict:
    Path("texts.jsonl").write_text("\n".join(json.dumps({"sentence": " ".join(words_of(n))}) for n in range(6)))
    return {"epoch": 1}


def _migrate() -> dict:
    words = [words_of(number) for number in range(6)]
    return {"data": Dataset.from_dict({"tokens": words, "ner_tags": [[0] * len(row) for row in words]})}


def _students() -> dict:
    toy = make_toy("masked-lm")
    for name in ("dumitrescustefan/bert-base-romanian-cased-v1", "intfloat/multilingual-e5-small"):
        save_encoder(Path(name), toy.tokenizer, layers=LAYERS)
    return {"teacher": tiny_bert("MaskedLM", len(toy.tokenizer), LAYERS)}


def _loyalty() -> dict:
    toy = make_toy("single-label")
    scores = np.random.default_rng(0).normal(size=(2, len(toy.evaluation), 3))
    return {
        "Trainer": Trainer,
        "teacher": toy.teachers[0].model,
        "args": hf_multiteacher.DistillationTrainingArguments(output_dir="out", use_cpu=True, disable_tqdm=True),
        "collator": DataCollatorWithPadding(toy.tokenizer),
        "eval_dataset": toy.evaluation.select_columns(["input_ids", "attention_mask", "label"]),
        "student_logits": scores[0],
        "teacher_logits": scores[1],
    }


def _romanian() -> dict:
    for folder in ("ronec", "rrt"):
        Path("data/romanian", folder).mkdir(parents=True)
    records = [ronec_record(id=number) for number in range(20)]
    Path("data/romanian/ronec/train.json").write_text(json.dumps(records), encoding="utf-8")
    for part in ("train", "dev"):
        Path(f"data/romanian/rrt/ro_rrt-ud-{part}.conllu").write_text(TREEBANK, encoding="utf-8")

    names = {number: str(number) for number in range(6)}
    args = hf_multiteacher.DistillationTrainingArguments(output_dir="out", use_cpu=True, disable_tqdm=True)
    return {"args": args, "model": tiny_bert("TokenClassification", id2label=names)}


def _script() -> dict:
    """The names of a script that trains a tagger, and has done so for a step."""
    make_arguments = partial(
        hf_multiteacher.DistillationTrainingArguments, use_cpu=True, disable_tqdm=True, report_to="none"
    )
    args = make_arguments("adapter", max_steps=1)  # before the trainer, whose accelerator new arguments reset

    toy = make_toy("tagging")
    trainer = make_trainer(toy, "trained", max_steps=1)
    trainer.train()
    return {
        "DistillationTrainingArguments": make_arguments,
        "args": args,
        "trainer": trainer,
        "student": toy.student,
        "teachers": toy.teachers,
        "train": toy.train.select(range(16)),
        "evaluation": toy.evaluation.select(range(8)),
    }


OF_A_PAGE = {
    "docs/data.md": _data,
    "docs/migrate.md": _migrate,
    "docs/students.md": _students,
    "docs/loyalty.md": _loyalty,
    "docs/romanian.md": _romanian,
}
"""Pages that speak of more than a script that trains, and what that is."""
