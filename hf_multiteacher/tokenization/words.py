"""Text that is split into words already, given to a tokenizer so that it reads the words apart."""

from collections.abc import Sequence
from typing import Any

from .settings import unchanged
from .surfaces import EntryMarks

PROBE = ("ab", "c")


def spaced_words(tokenizer: Any, sentences: Sequence[list[str]], owner: str = "this model") -> list[list[str]]:
    """Write words so that a tokenizer reads them apart when they come as a list.

    Most tokenizers mark the start of every word of a list. Byte-level ones without `add_prefix_space`, and those in
    the manner of Gemma, mark the space before a word and read `Ana`, `are` as `Anaare`: they get each word with that
    space, as `add_prefix_space=True` would put it.

    Args:
        tokenizer: A fast tokenizer.
        sentences: The words of each example.
        owner: What messages call whose tokenizer it is.

    Returns:
        As many words as there were, with spaces before them where the tokenizer needs them.

    Raises:
        ValueError: The tokenizer does not read words apart, with a space before them or without.
    """
    if _reads_apart(tokenizer, ""):
        return list(sentences)

    if not _reads_apart(tokenizer, " "):
        raise ValueError(
            f"MultiTokenizer.encode expects a tokenizer that reads a list of words apart, but that of {owner} "
            f"({type(tokenizer).__name__}) marks neither their starts nor the spaces between them, so the model would "
            "read one long word. Load it with AutoTokenizer.from_pretrained(..., add_prefix_space=True), or encode "
            "whole texts as text=."
        )
    return [[word if word[:1].isspace() else f" {word}" if word else "" for word in words] for words in sentences]


def _reads_apart(tokenizer: Any, space: str) -> bool:
    """Whether two words, with a space before each or without, are read as in running text, or with a mark between."""
    words = [space + word for word in PROBE]
    text = space + " ".join(PROBE)
    settings: dict[str, Any] = {"add_special_tokens": False, "truncation": False, "padding": False}

    with unchanged(tokenizer):
        ids = tokenizer(words, is_split_into_words=True, **settings)["input_ids"]
        if ids == tokenizer(text, **settings)["input_ids"]:
            return True

    marks = EntryMarks(tokenizer)
    return b" " in b"".join(map(marks.text_of, tokenizer.convert_ids_to_tokens(ids))).strip()
