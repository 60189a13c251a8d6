"""Made what lies beside this file with the code of commit a8a313a, before its modules moved into folders.

git worktree add ../before a8a313a && PYTHONPATH=../before python tests/data/before_the_move/make.py FOLDER
"""

import json
import os
import pickle
import shutil
import sys
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

import torch
from datasets import Dataset
from transformers import AutoTokenizer, BertConfig, BertForMaskedLM

from hf_multiteacher import (
    DistillationTrainingArguments,
    MultiTeacherDistillationTrainer,
    MultiTokenizer,
    student_from_teacher,
)

TEXTS = [f"fata {verb} {thing}" for verb in ("vede", "are", "vrea") for thing in ("o carte", "un măr", "o casă")]
TEACHERS = ["teacher-0", "teacher-1"]


def teacher(folder: str, lowercase: bool, hidden_size: int, seed: int) -> None:
    """Make a tiny teacher with its tokenizer."""
    from hf_multiteacher.pretraining import train_wordpiece

    tokenizer = train_wordpiece(TEXTS, 60, lowercase=lowercase, max_length=16)
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=hidden_size,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=8,
        max_position_embeddings=16,
    )

    BertForMaskedLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def trainer(folder: str) -> MultiTeacherDistillationTrainer:
    """Prepare a run of four steps with two teachers, their own tokenizers and projections."""
    tokenizers = [AutoTokenizer.from_pretrained(each) for each in TEACHERS]
    multi_tokenizer = MultiTokenizer(tokenizers[0], tokenizers)
    data = Dataset.from_dict({"text": TEXTS}).map(multi_tokenizer.encode, batched=True, fn_kwargs={"text": "text"})
    arguments = DistillationTrainingArguments(
        output_dir=folder,
        teachers=TEACHERS,
        hidden_state_weight=0.5,
        teacher_weights=[0.6, 0.4],
        max_steps=4,
        save_steps=2,
        logging_steps=1,
        per_device_train_batch_size=9,
        use_cpu=True,
        report_to="none",
        disable_tqdm=True,
        optim="sgd",
        learning_rate=0.1,
    )

    return MultiTeacherDistillationTrainer(
        model=student_from_teacher("teacher-0", layers=1),
        args=arguments,
        train_dataset=data.remove_columns("text"),
        processing_class=tokenizers[0],
    )


def main(place: Path) -> None:
    """Leave teachers, the middle checkpoint of a run and its log, a pickled MultiTokenizer and a metric's Space."""
    from hf_multiteacher import metric_space

    place.mkdir(parents=True)
    os.chdir(place)
    teacher("teacher-0", False, 4, seed=1)
    teacher("teacher-1", True, 6, seed=2)

    run = trainer("run")
    run.train()
    shutil.move("run/checkpoint-2", "checkpoint-2")
    shutil.rmtree("run")
    logged = [entry for entry in run.state.log_history if "loss" in entry]
    Path("logged.json").write_text(json.dumps(logged, indent=1) + "\n")

    Path("multi_tokenizer.pickle").write_bytes(pickle.dumps(run.multi_tokenizer))
    metric_space.push_folder = lambda folder, *args, **kwargs: shutil.copytree(folder, "loyalty")
    metric_space.push_metric("org/loyalty")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
