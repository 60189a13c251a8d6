"""Which tokenizer a teacher reads with."""

import logging
import os
from collections.abc import Mapping
from functools import partial
from typing import Any, cast

from torch import nn
from transformers import AutoTokenizer, PreTrainedTokenizerBase, PreTrainedTokenizerFast
from transformers.utils import cached_file

from ..models.limits import count_embeddings
from ..models.loading import explained
from ..models.task import task_of, without_adapters
from ..tokenization.encoder import FEWEST_ENTRIES, count_entries
from .teacher import Teacher

logger = logging.getLogger(__name__)

TOKENIZER_FILES = (
    *("tokenizer.json", "tokenizer_config.json", "vocab.txt", "vocab.json"),
    *("tokenizer.model", "spiece.model", "sentencepiece.bpe.model"),
)


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
        _expect_its_embeddings(name, size, count_embeddings(without_adapters(student)))
        if student_tokenizer is not None:
            _warn_of_no_tokenizer(name)
        return student_tokenizer

    entries = count_entries(cast(PreTrainedTokenizerFast, tokenizer))
    if entries > size:
        raise ValueError(
            f"Teacher '{name}' must have an embedding for each id of its tokenizer, but the tokenizer goes up to "
            f"{entries - 1} and the model has {size} embeddings: this is another model's tokenizer. Pass the right "
            "one as Teacher(model, tokenizer=...)."
        )
    return tokenizer


def read_the_same_ids(teachers: Mapping[str, nn.Module], student: nn.Module) -> None:
    """Say once that all models without a tokenizer anywhere read the student's ids, or refuse those that cannot.

    Args:
        teachers: By name; each has as many embeddings as the student.
        student: The student.

    Raises:
        ValueError: A head over the vocabulary has another size than the student's.
    """
    width = _vocabulary_head(student)
    for name, teacher in teachers.items():
        if _vocabulary_head(teacher) != width:
            raise ValueError(
                f"Teacher '{name}' has a head over {_vocabulary_head(teacher)} entries and the student has one over "
                f"{width}, and no tokenizer says which of them are the same. Give the tokenizers: "
                "processing_class=tokenizer, Teacher(model, tokenizer=...)."
            )

    logger.warning(
        "No tokenizer is known, neither the student's nor a teacher's: as all have the same number of embeddings, the "
        "student's ids are taken to be those of %s. If a vocabulary differs, what they say is noise: pass "
        "processing_class=tokenizer, and Teacher(model, tokenizer=...).",
        ", ".join(f"teacher '{name}'" for name in teachers),
    )


def _vocabulary_head(model: nn.Module) -> int | None:
    """Return over how many entries a masked language model decides; None for other models."""
    inner = without_adapters(model)
    if not task_of(inner).over_vocabulary:
        return None

    head: Any = inner.get_output_embeddings()
    return int(inner.config.vocab_size if head is None else head.weight.shape[0])


def _expect_its_embeddings(name: str, size: int, student_size: int) -> None:
    """Refuse a teacher without tokenizer that cannot read the student's ids."""
    if size != student_size:
        raise ValueError(
            f"Teacher '{name}' comes without a tokenizer and has {size} embeddings where the student has "
            f"{student_size}, so it cannot read the student's ids. Give its own: Teacher(model, tokenizer=...)."
        )


def _warn_of_no_tokenizer(name: str) -> None:
    """Say that a teacher without tokenizer reads the student's ids."""
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
        if source and (tokenizer := _beside(source, remote)):
            return tokenizer
    return None


def _beside(source: str, remote: Mapping[str, Any]) -> PreTrainedTokenizerBase | None:
    """Load the tokenizer that stands beside a model; None where none was ever saved there."""
    try:
        tokenizer = AutoTokenizer.from_pretrained(source, **remote)
        if len(tokenizer) >= FEWEST_ENTRIES:
            return tokenizer
        raise ValueError(f"it has {len(tokenizer)} entries only: files of it are missing or empty")
    except (OSError, ValueError) as error:
        if _has_file(source, remote.get("revision")):
            raise
        logger.info("No tokenizer at '%s': %s", source, error)
        return None


def _has_file(source: str, revision: str | None) -> bool:
    """Tell whether a folder or repository holds a file of a tokenizer."""
    find = partial(cached_file, source, revision=revision, _raise_exceptions_for_missing_entries=False)
    try:
        return any(find(name) for name in TOKENIZER_FILES)
    except OSError:  # there is no such place at all
        return False
