"""Cut a pretrained encoder's vocabulary down to the pieces that a text uses, with all its layers: a smaller teacher.

    python examples/trim_encoder.py intfloat/multilingual-e5-small TEXT_FILE_OR_FOLDER OUTPUT [--size 24000]

What is left reads the text as before, and has no rows of embeddings to train and to store that the text never needs.
"""

import argparse
from itertools import islice

from transformers import AutoModel, AutoTokenizer

from hf_multiteacher import student_from_teacher, trim_tokenizer
from hf_multiteacher.recipes.data.text_files import read_lines, text_files

LINES = 40_000


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
    files = text_files(parsed.text)
    lines = [line for file in files for line in islice(filter(str.strip, read_lines([file])), parsed.lines)]
    trimmed = trim_tokenizer(whole, lines, size=parsed.size)

    encoder = AutoModel.from_pretrained(parsed.model)
    layers = range(encoder.config.num_hidden_layers)
    student_from_teacher(encoder, layers, tokenizer=trimmed, teacher_tokenizer=whole).save_pretrained(parsed.output)
    trimmed.save_pretrained(parsed.output)


if __name__ == "__main__":
    main()
