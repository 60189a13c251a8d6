"""A Romanian-like corpus from a grammar of our own."""

from .sentences import Pair, Sentence, generate_corpus, generate_pairs, generate_sentences

__all__ = [
    "Pair",
    "Sentence",
    "generate_corpus",
    "generate_pairs",
    "generate_sentences",
]
