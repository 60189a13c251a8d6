"""Which tokenizer a teacher reads with."""

import logging
import os
from typing import cast

from torch import nn
from transformers import AutoTokenizer, PreTrainedTokenizerBase, PreTrainedTokenizerFast

from ..models.limits import count_embeddings
from ..models.loading import explained
from ..models.task import without_adapters
from ..tokenization.encoder import count_entries
from .teacher import Teacher

logger = logging.getLogger(__name__)

# transformers 5 answers a folder without tokenizer files with a tokenizer that has special tokens only.
FEWEST_ENTRIES = 10


def find_tokenizer(
    teacher: Teacher,
    name: str,
    model: nn.Module,
    student: nn.Module,
    student_tokenizer: PreTrainedTokenizerBase | None,
) -> PreTrainedTokenizerBase | None:
    """Return the teacher's tokenizer: the one given, the one beside its weights, or else the student's.

    Args:
        teacher: What was asked for.
        name: What messages call it.
        model: The teacher's model, loaded.
        student: Its number of embeddings decides whether an unknown tokenizer may be the student's.
        student_tokenizer: The student's tokenizer, if it has one.

    Raises:
        ValueError: There is none and the vocabularies differ in size, or it gives ids that the model does not have.
    """
    size = count_embeddings(without_adapters(model))
    tokenizer = teacher.tokenizer
    if tokenizer is None or isinstance(tokenizer, str | os.PathLike):
        with explained(f"Teacher '{name}'", "tokenizer"):
            tokenizer = _load_tokenizer(teacher, model)

    if tokenizer is None:
        _take_the_students(name, size, count_embeddings(without_adapters(student)))
        return student_tokenizer

    entries = count_entries(cast(PreTrainedTokenizerFast, tokenizer))
    if entries > size:
        raise ValueError(
            f"Teacher '{name}' must have an embedding for each id of its tokenizer, but the tokenizer goes up to "
            f"{entries - 1} and the model has {size} embeddings: this is another model's tokenizer. Pass the right "
            "one as Teacher(model, tokenizer=...)."
        )
    return tokenizer


def _take_the_students(name: str, size: int, student_size: int) -> None:
    """Say that a teacher without tokenizer reads the student's ids, or refuse it where it cannot."""
    if size != student_size:
        raise ValueError(
            f"Teacher '{name}' comes without a tokenizer and has {size} embeddings where the student has "
            f"{student_size}, so it cannot read the student's ids. Give its own: Teacher(model, tokenizer=...)."
        )

    logger.warning(
        "Teacher '%s' comes without a tokenizer: it is taken to read the student's, whose vocabulary has the same "
        "size. If it has its own, pass Teacher(model, tokenizer=...).",
        name,
    )


def _load_tokenizer(teacher: Teacher, model: nn.Module) -> PreTrainedTokenizerBase | None:
    """Load the tokenizer from where the teacher says, from beside it, or from beside an adapter's base model."""
    if teacher.tokenizer is not None:
        return AutoTokenizer.from_pretrained(teacher.tokenizer, trust_remote_code=teacher.trust_remote_code)

    beside_base = without_adapters(model).config.name_or_path
    for source, remote in ((teacher.source, teacher.remote), (beside_base, {})):
        try:
            tokenizer = AutoTokenizer.from_pretrained(source, **remote) if source else None
        except (OSError, ValueError) as error:
            logger.info("No tokenizer at '%s': %s", source, error)
            continue

        if tokenizer is not None and len(tokenizer) >= FEWEST_ENTRIES:
            return tokenizer
    return None
