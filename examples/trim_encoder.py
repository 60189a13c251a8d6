"""Cut a pretrained encoder's vocabulary down to the pieces that a text uses, with all its layers: a smaller teacher.

    python examples/trim_encoder.py intfloat/multilingual-e5-small TEXT_FILE_OR_FOLDER OUTPUT [--size 24000]

What is left reads the text as before, and has no rows of embeddings to train and to store that the text never needs.
"""

import argparse
from itertools import islice
from pathlib import Path

from datasets import load_dataset
from transformers import AutoModel, AutoTokenizer

from hf_multiteacher import student_from_teacher, trim_tokenizer

LINES = 40_000


def read_lines(source: str, most: int) -> list[str]:
    """Read the lines that are not empty of a text file, or of those in a folder, so many of each at most."""
    files = [str(path) for path in sorted(Path(source).rglob("*.txt*"))] if Path(source).is_dir() else [source]
    parts = [load_dataset("text", data_files=file, split="train", streaming=True) for file in files]
    texts = [(line["text"] for line in part if line["text"].strip()) for part in parts]
    return [text for each in texts for text in islice(each, most)]


def main() -> None:
    """Save the smaller encoder with its tokenizer."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("text")
    parser.add_argument("output")
    parser.add_argument("--size", type=int, default=24_000)
    parser.add_argument("--lines", type=int, default=LINES, help="read at most so many of each file")
    parsed = parser.parse_args()

    whole = AutoTokenizer.from_pretrained(parsed.model)
    trimmed = trim_tokenizer(whole, read_lines(parsed.text, parsed.lines), size=parsed.size)

    encoder = AutoModel.from_pretrained(parsed.model)
    layers = range(encoder.config.num_hidden_layers)
    student_from_teacher(encoder, layers, tokenizer=trimmed, teacher_tokenizer=whole).save_pretrained(parsed.output)
    trimmed.save_pretrained(parsed.output)


if __name__ == "__main__":
    main()
