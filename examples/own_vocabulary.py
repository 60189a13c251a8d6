"""Measure what a student with a new vocabulary gains from its teacher's embeddings, on a text of your own.

Trains a tokenizer on the text, makes students of the teacher's layers that read through it, distils them for the
same steps on the same batches, and prints the losses on held-out text as a Markdown table:

    python examples/own_vocabulary.py TEACHER TEXT_FILE_OR_FOLDER [--steps 60] [--layers 3] [--soft 0.0]

The teacher teaches hidden states, and with `--soft` what its masked-LM head says; the text teaches words.
"""

import argparse
import random
import sys
import tempfile
from itertools import islice
from pathlib import Path
from statistics import mean
from typing import Any

import torch
from datasets import Dataset, load_dataset
from transformers import AutoModelForMaskedLM, AutoTokenizer

from hf_multiteacher import (
    DistillationTrainingArguments,
    MultiTeacherDistillationTrainer,
    MultiTokenizer,
    Teacher,
    student_from_teacher,
    trim_tokenizer,
)
from hf_multiteacher.tokenization import VocabularyTransfer

LENGTH, BATCH, HELD_OUT, SEEDS = 48, 8, 100, (0, 1, 2)
STARTS = ["transferred", "random"]
LOSSES = ["loss", "hidden_loss"]


def read(source: str, most: int) -> list[str]:
    """Read so many lines that are not empty of a text file, `.txt`, `.txt.gz` or `.txt.xz`, or of each in a folder."""
    files = sorted(Path(source).glob("*.txt*")) if Path(source).is_dir() else [Path(source)]
    streams = [load_dataset("text", data_files=str(file), split="train", streaming=True) for file in files]
    return [line for rows in streams for line in islice(filter(str.strip, (row["text"] for row in rows)), most)]


def redraw(model: Any, seed: int) -> None:
    """Put random embeddings in the place of the transferred ones, as a new model has them."""
    table = model.get_input_embeddings().weight
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(table.shape, generator=generator)

    with torch.no_grad():
        table.copy_(model.config.initializer_range * noise)


def measure(
    student: Any, tokenizer: Any, teacher: Teacher, data: tuple[Any, Any], steps: int, soft: float, seed: int
) -> list[float]:
    """Distil a student, and return its losses on held-out text."""
    with tempfile.TemporaryDirectory() as folder:
        args = DistillationTrainingArguments(
            output_dir=folder,
            max_steps=steps,
            per_device_train_batch_size=BATCH,
            per_device_eval_batch_size=BATCH,
            learning_rate=5e-4,
            warmup_steps=steps // 10,
            soft_target_weight=soft,
            hard_label_weight=1.0 - soft,
            hidden_state_weight=1.0,
            seed=seed,
            use_cpu=True,
            report_to=[],
            disable_tqdm=True,
            save_strategy="no",
        )
        trainer = MultiTeacherDistillationTrainer(
            student, args, train_dataset=data[0], eval_dataset=data[1], processing_class=tokenizer, teachers=[teacher]
        )
        trainer.train()
        measured = trainer.evaluate()
        return [measured[f"eval_{part}"] for part in LOSSES]


def main() -> None:
    """Make the tokenizers and the teacher, run every start with every seed, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("teacher")
    parser.add_argument("text")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--entries", type=int, default=8000)
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument("--soft", type=float, default=0.0, help="weight of the soft loss, for a teacher with a head")
    parsed = parser.parse_args()

    lines = read(parsed.text, 5000)
    random.Random(0).shuffle(lines)
    whole = AutoTokenizer.from_pretrained(parsed.teacher)
    own = whole.train_new_from_iterator([lines], parsed.entries)
    print(VocabularyTransfer.from_tokenizers(own, whole).report(lines[:HELD_OUT]))

    # A trimmed teacher says the same, and is loaded in a fraction of the memory.
    trimmed = trim_tokenizer(whole, lines)
    large = AutoModelForMaskedLM.from_pretrained(parsed.teacher)
    small = student_from_teacher(large, large.config.num_hidden_layers, tokenizer=trimmed, teacher_tokenizer=whole)
    data = Dataset.from_dict({"text": lines[: HELD_OUT + BATCH * parsed.steps]}).map(
        MultiTokenizer(own, [trimmed]).encode,
        batched=True,
        fn_kwargs={"text": "text", "max_length": LENGTH},
        remove_columns=["text"],
    )
    parts = data.select(range(HELD_OUT, len(data))), data.select(range(HELD_OUT))

    losses: dict[str, list[list[float]]] = {start: [] for start in STARTS}
    for seed in SEEDS:
        for start, measured in losses.items():
            student = student_from_teacher(small, parsed.layers, tokenizer=own, teacher_tokenizer=trimmed)
            if start == "random":
                redraw(student, seed)
            teacher = Teacher(small, tokenizer=trimmed, name="teacher")
            measured.append(measure(student, own, teacher, parts, parsed.steps, parsed.soft, seed))
            print(f"seed {seed}, {start}: {measured[-1]}", file=sys.stderr, flush=True)

    print(f"\n| loss | embeddings start | {' | '.join(f'seed {seed}' for seed in SEEDS)} | mean |")
    print(f"|---|---|{'---:|' * (len(SEEDS) + 1)}")
    for part, name in enumerate(LOSSES):
        for start, measured in losses.items():
            figures = [row[part] for row in measured]
            print(f"| {name} | {start} | {' | '.join(f'{figure:.3f}' for figure in [*figures, mean(figures)])} |")


if __name__ == "__main__":
    main()
