"""Measure how well tokenizers of different kinds line up on a text of your own.

Trains a cased WordPiece tokenizer for a student and four others for teachers on the text, then prints, as a Markdown
table, which part of the student's tokens and of both vocabularies can be compared:

    python examples/tokenizer_alignment.py TEXT_FILE_OR_FOLDER [--quick]

Files end in .txt, .txt.xz or .txt.gz and hold one paragraph a line.
"""

import argparse
import random
import sys
from pathlib import Path
from typing import Any

import numpy as np
from datasets import load_dataset
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from hf_multiteacher.tokenization import SharedVocabulary, batch_spans, flatten_offsets, one_to_one, shared_mass

STUDENT = ("cased WordPiece", "wordpiece", 16_000, False)
TEACHERS = [
    ("uncased WordPiece", "wordpiece", 12_000, True),
    ("byte-level BPE", "bpe", 16_000, False),
    ("Unigram", "unigram", 12_000, False),
    ("uncased BPE", "bpe", 12_000, True),
]
SPECIAL_TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
HEADER = [
    "teacher",
    "student tokens one to one",
    "student entries shared",
    "teacher entries shared",
    "student occurrences shared",
    "teacher occurrences shared",
    "same outcome at one-to-one spans",
]


def read(source: Path) -> list[str]:
    """Read the lines that are not empty of a text file, or of those in a folder."""
    files = sorted(map(str, source.glob("*.txt*"))) if source.is_dir() else str(source)
    lines = load_dataset("text", data_files=files, split="train", streaming=True)
    return [line["text"].strip() for line in lines if line["text"].strip()]


def split_lines(lines: list[str], training_bytes: int, measured: int) -> tuple[list[str], list[str]]:
    """Draw lines to train tokenizers on, and others to measure them on."""
    random.Random(0).shuffle(lines)
    measured_lines, rest = lines[:measured], lines[measured:]
    sizes = np.cumsum([len(line.encode()) for line in rest])
    return rest[: int(np.searchsorted(sizes, training_bytes)) + 1], measured_lines


def train(kind: str, vocab_size: int, lowercase: bool, lines: list[str]) -> PreTrainedTokenizerFast:
    """Train a tokenizer of one kind."""
    options: dict[str, Any] = {"vocab_size": vocab_size, "special_tokens": SPECIAL_TOKENS, "show_progress": False}
    trainer: trainers.Trainer

    if kind == "wordpiece":
        tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
        tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase, strip_accents=False)
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        tokenizer.decoder = decoders.WordPiece()
        trainer = trainers.WordPieceTrainer(**options)
    elif kind == "bpe":
        tokenizer = Tokenizer(models.BPE())
        tokenizer.normalizer = normalizers.Sequence([normalizers.NFC()] + [normalizers.Lowercase()] * lowercase)
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
        tokenizer.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), **options)
    else:
        tokenizer = Tokenizer(models.Unigram())
        tokenizer.normalizer = normalizers.NFKC()
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
        tokenizer.decoder = decoders.Metaspace()
        trainer = trainers.UnigramTrainer(unk_token="[UNK]", **options)

    tokenizer.train_from_iterator(lines, trainer)
    roles = {f"{token[1:-1].lower()}_token": token for token in SPECIAL_TOKENS}
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **roles)


def tokenize(tokenizer: PreTrainedTokenizerFast, lines: list[str]) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """Tokenize lines; the ids of all tokens, and their offsets for `batch_spans`."""
    encoding = tokenizer(lines, return_offsets_mapping=True, add_special_tokens=False)
    sequence_ids = [[0] * len(ids) for ids in encoding["input_ids"]]
    return np.concatenate(encoding["input_ids"]), flatten_offsets(encoding["offset_mapping"], sequence_ids)


def compare(student: PreTrainedTokenizerFast, teacher: PreTrainedTokenizerFast, lines: list[str]) -> list[float]:
    """Measure one pair; the figures of `HEADER`, in its order."""
    student_ids, student_offsets = tokenize(student, lines)
    teacher_ids, teacher_offsets = tokenize(teacher, lines)
    # One "example" of all lines: every span of the text has a number of its own.
    counterparts = one_to_one(*batch_spans(lines, [student_offsets, teacher_offsets], sequences=len(lines)))
    vocabulary = SharedVocabulary.from_tokenizers(student, teacher)
    matched = counterparts >= 0
    gold_student, gold_teacher = student_ids[matched], teacher_ids[counterparts[matched]]
    known = (gold_student != student.unk_token_id) & (gold_teacher != teacher.unk_token_id)
    outcomes = vocabulary.student_outcomes[gold_student[known]]
    agree = (outcomes == vocabulary.teacher_outcomes[gold_teacher[known]]) & (outcomes > 0)

    return [
        float(np.mean(matched)),
        vocabulary.student_share,
        vocabulary.teacher_share,
        shared_mass(vocabulary.student_outcomes, np.bincount(student_ids, minlength=len(student))),
        shared_mass(vocabulary.teacher_outcomes, np.bincount(teacher_ids, minlength=len(teacher))),
        float(np.mean(agree)),
    ]


def main() -> None:
    """Train, compare, print."""
    parser = argparse.ArgumentParser(description="Measure how well tokenizers of different kinds line up on a text.")
    parser.add_argument("text", type=Path, help="a .txt, .txt.xz or .txt.gz file, or a folder of them")
    parser.add_argument("--quick", action="store_true", help="a tenth of the text and of the vocabulary sizes")
    arguments = parser.parse_args()

    part = 10 if arguments.quick else 1
    lines = read(arguments.text)
    training_lines, measured_lines = split_lines(lines, 5_000_000 // part, min(3_000 // part, len(lines) // 4))
    print(f"{len(training_lines)} lines to train on, {len(measured_lines)} to measure on", file=sys.stderr)

    _, kind, size, lowercase = STUDENT
    student = train(kind, size // part, lowercase, training_lines)
    print("| " + " | ".join(HEADER) + " |\n|---" + "|---:" * (len(HEADER) - 1) + "|")
    for name, kind, size, lowercase in TEACHERS:
        teacher = train(kind, size // part, lowercase, training_lines)
        figures = compare(student, teacher, measured_lines)
        print(f"| {name} {size // part:,} | " + " | ".join(f"{figure:.1%}" for figure in figures) + " |", flush=True)


if __name__ == "__main__":
    main()
