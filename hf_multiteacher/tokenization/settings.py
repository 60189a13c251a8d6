"""The truncation and padding that a fast tokenizer holds: each call leaves its own, and saving takes them along."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

from transformers import PreTrainedTokenizerFast

Settings = tuple[dict[str, Any] | None, dict[str, Any] | None]

# A tokenizer does not tell who set them, so what it came with is noted when it is first seen.
_CAME_WITH: "WeakKeyDictionary[Any, Settings]" = WeakKeyDictionary()


@contextmanager
def unchanged(*tokenizers: Any) -> Iterator[None]:
    """Leave truncation and padding of tokenizers as they are, whatever is called meanwhile."""
    before = [_settings_of(tokenizer) for tokenizer in tokenizers]
    try:
        yield
    finally:
        for tokenizer, settings in zip(tokenizers, before, strict=True):
            _set(tokenizer, settings)


@contextmanager
def as_it_came(tokenizer: Any) -> Iterator[None]:
    """Give a tokenizer the truncation and padding that it came with for a while; one that was never noted stays."""
    with unchanged(tokenizer):
        if isinstance(tokenizer, PreTrainedTokenizerFast) and tokenizer in _CAME_WITH:
            _set(tokenizer, _CAME_WITH[tokenizer])
        yield


def note(tokenizer: PreTrainedTokenizerFast) -> None:
    """Note that a tokenizer came with what it holds now, unless that was noted before."""
    _CAME_WITH.setdefault(tokenizer, _settings_of(tokenizer))


def note_as_loaded(tokenizer: Any) -> None:
    """Note that a tokenizer came with what it was loaded with, unless that was noted before.

    This is for one that a script may have called already, which leaves traces.
    """
    if not isinstance(tokenizer, PreTrainedTokenizerFast):
        return

    loaded, (truncation, padding) = tokenizer.init_kwargs, _settings_of(tokenizer)

    # transformers keeps what tokenizer.json says of truncation and padding under these names, and only then.
    if "truncation_strategy" not in loaded:
        truncation = None
    elif truncation is None or truncation["max_length"] != loaded["max_length"]:
        truncation = {
            "max_length": loaded["max_length"],
            "stride": loaded["stride"],
            "strategy": loaded["truncation_strategy"],
            "direction": loaded["truncation_side"],
        }

    _CAME_WITH.setdefault(tokenizer, (truncation, padding if "pad_to_multiple_of" in loaded else None))


def _settings_of(tokenizer: Any) -> Settings:
    if not isinstance(tokenizer, PreTrainedTokenizerFast):
        return None, None
    return tokenizer.backend_tokenizer.truncation, tokenizer.backend_tokenizer.padding


def _set(tokenizer: Any, settings: Settings) -> None:
    if settings == _settings_of(tokenizer):
        return

    truncation, padding = settings
    backend = tokenizer.backend_tokenizer
    backend.enable_truncation(**truncation) if truncation else backend.no_truncation()
    backend.enable_padding(**padding) if padding else backend.no_padding()
