"""Through which tokenizer the student of a configuration reads."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from ..tokenization.transfer import VocabularyTransfer
from ..tokenization.trimming import trim_tokenizer
from .pretrained import load_tokenizer

Vocabulary = str | Mapping[Literal["size"], int]
TEACHER, TRIM = "teacher", "trim"
SAMPLE = 1000
logger = logging.getLogger(__name__)


def is_trimmed(vocabulary: Vocabulary) -> bool:
    """Tell whether a student's vocabulary is made from the corpus, which is then read before the training."""
    return vocabulary == TRIM or not isinstance(vocabulary, str)


def find_student_tokenizer(vocabulary: Vocabulary, teacher_tokenizer: Any, texts: Sequence[str]) -> Any | None:
    """Find the student's own tokenizer, and log what its embeddings start from.

    Args:
        vocabulary: `teacher`, `trim`, a mapping with the `size` to trim to, or the folder or id of a tokenizer.
        teacher_tokenizer: That of the teacher whose layers the student takes.
        texts: The corpus.

    Returns:
        A tokenizer; None where it is the teacher's.

    Raises:
        ValueError: It cannot be loaded, or not be trimmed to that size.
        TypeError: The teacher's tokenizer is not a fast one.
    """
    if vocabulary == TEACHER:
        return None

    if not is_trimmed(vocabulary):
        tokenizer = load_tokenizer(str(vocabulary), "Student vocabulary")
    else:
        size = None if isinstance(vocabulary, str) else vocabulary["size"]
        tokenizer = trim_tokenizer(teacher_tokenizer, texts, size=size)

    report = VocabularyTransfer.from_tokenizers(tokenizer, teacher_tokenizer).report(texts[:SAMPLE])
    logger.info("The student's vocabulary: %s", ", ".join(f"{name} {value:g}" for name, value in report.items()))
    return tokenizer
