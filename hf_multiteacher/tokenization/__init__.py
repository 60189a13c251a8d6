"""One text, the encoding of every tokenizer, and what two tokenizers share."""

from .matching import first_token_counterparts, join_spans, one_to_one
from .multi_tokenizer import MultiTokenizer
from .spans import batch_spans, flatten_offsets, text_spans, word_spans
from .surfaces import TokenSurfaces
from .transfer import VocabularyTransfer
from .trimming import trim_tokenizer
from .vocabulary import SharedVocabulary, shared_mass
from .words import spaced_words

__all__ = [
    "MultiTokenizer",
    "SharedVocabulary",
    "TokenSurfaces",
    "VocabularyTransfer",
    "batch_spans",
    "first_token_counterparts",
    "flatten_offsets",
    "join_spans",
    "one_to_one",
    "shared_mass",
    "spaced_words",
    "text_spans",
    "trim_tokenizer",
    "word_spans",
]
