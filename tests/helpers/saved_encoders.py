"""Tiny pretrained encoders with their tokenizers, saved as `save_pretrained` leaves them: teachers and students."""

from pathlib import Path

from helpers.models import tiny_bert


def save_encoder(folder: Path, tokenizer, **options) -> str:
    """Save a random masked language model, and its tokenizer; options as for `tiny_bert`."""
    tiny_bert("MaskedLM", vocab_size=len(tokenizer), **options).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)
