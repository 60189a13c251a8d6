"""A pretrained model that a user names: its tokenizer, and how long a text it reads."""

from dataclasses import dataclass
from typing import Any

from transformers import AutoConfig, AutoTokenizer

from ..models.limits import position_limit
from ..teachers.tokenizer import FEWEST_ENTRIES
from ..tokenization.encoder import require_fast


@dataclass(frozen=True)
class Pretrained:
    """A pretrained encoder, before it is loaded.

    Args:
        source: An id on the Hub or a folder.
        tokenizer: A fast one.
        max_length: Tokens that the model reads at most, special ones included.
    """

    source: str
    tokenizer: Any
    max_length: int

    @property
    def name(self) -> str:
        """The last part of the id or path."""
        return self.source.rstrip("/").split("/")[-1]

    @classmethod
    def find(cls, source: str, role: str) -> "Pretrained":
        """Find a model's tokenizer and limit.

        Args:
            source: An id on the Hub or a folder.
            role: What messages call it, such as `Teacher`.

        Raises:
            ValueError: There is no model, or no tokenizer beside it.
            TypeError: The tokenizer is not a fast one.
        """
        tokenizer = load_tokenizer(source, role)
        require_fast(f"{role.lower()} '{source}'", tokenizer)

        try:
            config = AutoConfig.from_pretrained(source)
        except (OSError, ValueError) as error:
            raise ValueError(_not_there(source, role, error)) from error

        return cls(source, tokenizer, min(tokenizer.model_max_length, position_limit(config)))


def load_tokenizer(source: str, role: str = "Teacher") -> Any:
    """Load the tokenizer that stands beside a model.

    Raises:
        ValueError: There is none.
    """
    try:
        tokenizer: Any = AutoTokenizer.from_pretrained(source)
    except (OSError, ValueError) as error:
        raise ValueError(_not_there(source, role, error)) from error

    if len(tokenizer) < FEWEST_ENTRIES:
        raise ValueError(f"{role} '{source}' has no tokenizer beside it. Save it there: tokenizer.save_pretrained.")
    return tokenizer


def shared_limit(models: list[Pretrained], max_length: int | None) -> int:
    """Return the tokens per text for models that read the same texts: `max_length`, or what all of them can read.

    Raises:
        ValueError: `max_length` is more than one of them reads, or leaves no room beside the special tokens.
    """
    shortest = min(models, key=lambda model: model.max_length)
    if max_length is not None and max_length > shortest.max_length:
        raise ValueError(
            f"max_length is {max_length}, but '{shortest.source}' reads {shortest.max_length} tokens at most. "
            "Give no more, or leave it out."
        )

    limit = shortest.max_length if max_length is None else max_length
    special = max(model.tokenizer.num_special_tokens_to_add(pair=True) for model in models)
    if limit <= special:
        raise ValueError(
            f"max_length is {limit}, but up to {special} tokens of an input are special ones, so the models would see "
            "no text. Give more."
        )

    return limit


def _not_there(source: str, role: str, error: Exception) -> str:
    return (
        f"{role} '{source}' cannot be loaded: it is neither a folder with a model and its tokenizer (as "
        f"save_pretrained writes them) nor a model that can be had from the Hub ({type(error).__name__})."
    )
