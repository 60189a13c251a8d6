"""Tiny classifiers with opinions of their own, saved as a fine-tuning leaves them: what the loyalty tests compare."""

from pathlib import Path

from helpers.models import tiny_bert
from helpers.toys import sharpen


def save_classifier(folder: Path, tokenizer, head: str, labels: str, seed: int, **config) -> str:
    """Save a random model with one label per letter, and its tokenizer."""
    names = dict(enumerate(labels))
    config |= {"id2label": names, "label2id": {name: number for number, name in names.items()}}
    model = tiny_bert(head, len(tokenizer), seed=seed, **config)
    sharpen(model)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)
