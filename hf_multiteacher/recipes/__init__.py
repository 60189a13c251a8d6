"""Whole ways from names and text to figures, which commands share; public is what makes a teacher from text alone."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

_MODULE_OF = {
    "load_corpus": "data.corpus",
    "words_that_fit": "data.corpus",
    "train_wordpiece": "pretraining",
    "new_modern_bert": "pretraining",
    "train_masked_lm": "pretraining",
}
__all__ = [
    "load_corpus",
    "new_modern_bert",
    "train_masked_lm",
    "train_wordpiece",
    "words_that_fit",
]

if TYPE_CHECKING:
    from .data.corpus import load_corpus, words_that_fit
    from .pretraining import new_modern_bert, train_masked_lm, train_wordpiece


def __getattr__(name: str) -> Any:
    """Import a public name on first use, so that a command's help does not wait for the libraries."""
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'hf_multiteacher.recipes' has no attribute '{name}'")
    return getattr(import_module(f".{_MODULE_OF[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted(__all__)
