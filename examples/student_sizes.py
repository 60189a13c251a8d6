"""Say how large students are, by vocabulary and layers, and measure one that is cut out of a teacher of your own.

    python examples/student_sizes.py                                      # sizes for two shapes, nothing is loaded
    python examples/student_sizes.py TEACHER TEXT_FILE_OR_FOLDER [--size 24000] [--layers 6]

The second one trims the teacher's vocabulary to the text, takes some of its layers, and measures size and speed of
both on the same text, with as many threads as OMP_NUM_THREADS says.
"""

import argparse
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from datasets import load_dataset
from transformers import AutoModel, AutoTokenizer, BertConfig, BertForMaskedLM

from hf_multiteacher import student_from_teacher, trim_tokenizer
from hf_multiteacher.report import compare

BASE = {"hidden_size": 768, "num_attention_heads": 12, "intermediate_size": 3072}
SMALL = {"hidden_size": 384, "num_attention_heads": 12, "intermediate_size": 1536}
SIZES = [
    ("the paper's teacher", BASE, 50_000, 12),
    ("the paper's student", BASE, 50_000, 6),
    ("with a smaller vocabulary", BASE, 16_000, 6),
    ("with fewer layers", BASE, 50_000, 3),
    ("with both", BASE, 16_000, 3),
    ("multilingual-e5-small", SMALL, 250_037, 12),
    ("with half the layers", SMALL, 250_037, 6),
    ("with one language", SMALL, 24_000, 12),
    ("with both", SMALL, 24_000, 6),
    ("with 16,000 entries of it", SMALL, 16_000, 6),
]
COLUMNS = ["student", "vocabulary", "layers", "parameters", "of them embeddings", "megabytes"]
MEASURED = ["", "vocabulary", "layers", "parameters", "file, MiB", "latency, ms", "times the student"]
TEXTS, LENGTH, LINES = 8, 128, 10_000


def read(source: str, most: int) -> list[str]:
    """Read so many lines that are not empty of a text file, `.txt`, `.txt.gz` or `.txt.xz`, or of each in a folder."""
    files = sorted(Path(source).glob("*.txt*")) if Path(source).is_dir() else [Path(source)]
    streams = [load_dataset("text", data_files=str(file), split="train", streaming=True) for file in files]
    return [line for rows in streams for line in islice(filter(str.strip, (row["text"] for row in rows)), most)]


def head(columns: list[str]) -> str:
    """The first lines of a Markdown table."""
    return f"| {' | '.join(columns)} |\n|---|{'---:|' * (len(columns) - 1)}"


def sizes() -> None:
    """Print parameters and file of masked language models of some shapes."""
    print(head(COLUMNS))
    for name, shape, entries, layers in SIZES:
        with torch.device("meta"):
            model = BertForMaskedLM(BertConfig(vocab_size=entries, num_hidden_layers=layers, **shape))
        count, embeddings = sum(each.numel() for each in model.parameters()), entries * shape["hidden_size"]
        figures = f"{count / 1e6:.0f} M | {embeddings / count:.0%} | {4 * count / 1e6:.0f}"
        print(f"| {name} | {entries:,} | {layers} | {figures} |")


def measure(teacher: str, text: str, size: int, layers: int) -> None:
    """Print what a teacher and a student of it take."""
    lines = read(text, LINES)
    whole = AutoTokenizer.from_pretrained(teacher)
    trimmed = trim_tokenizer(whole, lines, size=size)
    large = AutoModel.from_pretrained(teacher).eval()
    small = student_from_teacher(large, layers, tokenizer=trimmed, teacher_tokenizer=whole)

    sample = [line for line in lines if len(line) > 4 * LENGTH][:TEXTS]
    rows: Any = compare(
        {"teacher": large, "student": small},
        {"teacher": encoded(whole, sample), "student": encoded(trimmed, sample)},
        reference="student",
        rounds=10,
    )
    print(head(MEASURED))
    for name, model in (("teacher", large), ("student", small)):
        row, config = rows[name], model.config
        shape = f"{config.vocab_size:,} | {config.num_hidden_layers} | {row['parameters'] / 1e6:.1f} M"
        print(f"| {name} | {shape} | {row['megabytes']:.0f} | {row['latency_ms']:.0f} | {row['latency_ratio']:.2f} |")


def encoded(tokenizer: Any, texts: list[str]) -> Any:
    """A batch of texts as a tokenizer gives it."""
    return dict(tokenizer(texts, truncation=True, padding=True, max_length=LENGTH, return_tensors="pt"))


def main() -> None:
    """Print one of the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("teacher", nargs="?")
    parser.add_argument("text", nargs="?")
    parser.add_argument("--size", type=int, default=24_000)
    parser.add_argument("--layers", type=int, default=6)
    parsed = parser.parse_args()

    if parsed.teacher is None:
        sizes()
    elif parsed.text is None:
        parser.error("TEXT_FILE_OR_FOLDER is missing: the vocabulary is trimmed to it")
    else:
        measure(parsed.teacher, parsed.text, parsed.size, parsed.layers)


if __name__ == "__main__":
    main()
