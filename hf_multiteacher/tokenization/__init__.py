"""One text, the encoding of every tokenizer, and what two tokenizers share."""

from .multi_tokenizer import MultiTokenizer
from .spans import batch_spans, join_spans, one_to_one, text_spans, word_spans
from .surfaces import TokenSurfaces
from .vocabulary import SharedVocabulary

__all__ = [
    "MultiTokenizer",
    "SharedVocabulary",
    "TokenSurfaces",
    "batch_spans",
    "join_spans",
    "one_to_one",
    "text_spans",
    "word_spans",
]
