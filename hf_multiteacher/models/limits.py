"""What a model can be given: how many tokens, which ids, and which inputs."""

import inspect
import re
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from transformers import PretrainedConfig, PreTrainedModel

from .task import adapters_of, without_adapters

UNLIMITED = 10**20

# These count positions from their padding id on, so that many of the table's rows are never used.
_COUNT_FROM_PADDING = (
    "camembert data2vec-text ibert longformer luke mpnet roberta roberta-prelayernorm xlm-roberta xlm-roberta-xl xmod"
).split()
POSITION_TABLE = re.compile(r"(^|\.)(position_embeddings|position_embedding|embed_positions|pos_embed|wpe)$")


@dataclass(frozen=True)
class Limits:
    """What a model can be given.

    Attributes:
        positions: Tokens at most; `UNLIMITED` where it has no table of positions, or says nothing of it.
        padding_id: Of a model that counts only the tokens that are not its padding; None for one that counts all.
        embeddings: Its ids are below this number.
        token_types: Likewise of the token types; `UNLIMITED` where it does not say.
        inputs: What its `forward` takes by name, labels apart: with them it would compute a loss of its own, which
            would be scaled wrongly.
        any_input: Whether its `forward` takes more than it names (`**kwargs`).
        required: What its `forward` demands by name, labels apart, because it has no default.
    """

    positions: int
    padding_id: int | None
    embeddings: int
    token_types: int
    inputs: frozenset[str]
    any_input: bool
    required: frozenset[str] = frozenset()

    @classmethod
    def of(cls, model: nn.Module) -> "Limits":
        """Read the limits off a model, looking through PEFT and `torch.compile`."""
        inner = without_adapters(model)
        config = inner.config
        parameters = inspect.signature(inner.forward).parameters
        types = getattr(config, "type_vocab_size", None)

        # A model with one token type need not be told it, and has no embedding for the second text of a pair.
        left_out = {"labels"} if types is None or types > 1 else {"labels", "token_type_ids"}
        return cls(
            positions=_positions(model, inner),
            padding_id=config.pad_token_id if counts_from_padding(config) else None,
            embeddings=count_embeddings(inner),
            token_types=UNLIMITED if types is None else types,
            inputs=frozenset(parameters) - left_out,
            any_input=any(each.kind is each.VAR_KEYWORD for each in parameters.values()),
            required=frozenset(name for name, each in parameters.items() if _is_demanded(each)) - left_out,
        )

    def takes(self, option: str) -> bool:
        """Tell whether `forward` takes an option, by name or among all others."""
        return option in self.inputs or self.any_input

    def rows(self, part: str) -> int:
        """Return how many embeddings there are for one of the inputs; its values are below that.

        Args:
            part: `input_ids`, `token_type_ids` or `position_ids`.
        """
        positions = self.positions + (0 if self.padding_id is None else self.padding_id + 1)
        return {"input_ids": self.embeddings, "token_type_ids": self.token_types, "position_ids": positions}[part]

    def tokens(self, ids: NDArray[np.integer]) -> int:
        """Count the positions that the longest row of a batch takes.

        Args:
            ids: `[batch, length]`.
        """
        width = ids.shape[1]
        if self.padding_id is None or not ids.size or width > self.rows("position_ids"):
            return width
        return int((ids != self.padding_id).sum(axis=1).max())


def position_limit(config: PretrainedConfig) -> int:
    """Return how many tokens a model was made for; `UNLIMITED` where its configuration does not say."""
    positions = getattr(config, "max_position_embeddings", None) or -1
    if positions < 0:
        return UNLIMITED
    return positions - config.pad_token_id - 1 if counts_from_padding(config) else positions


def count_embeddings(model: PreTrainedModel) -> int:
    """Return for how many ids a model has an embedding."""
    try:
        embedding: Any = model.get_input_embeddings()
    except (AttributeError, NotImplementedError):  # a class of the user's own that does not say where they are
        embedding = None

    # The weight of a quantised embedding is a method; Perceiver names another table, of its latents.
    weight = getattr(embedding, "weight", None)
    if isinstance(weight, torch.Tensor):
        return int(weight.shape[0])
    return cast(int, getattr(embedding, "num_embeddings", getattr(model.config, "vocab_size", UNLIMITED)))


def _is_demanded(parameter: inspect.Parameter) -> bool:
    by_name = parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    return by_name and parameter.default is parameter.empty


def _positions(model: nn.Module, inner: PreTrainedModel) -> int:
    """Return how many tokens a model can be given; rotary and relative positions go on beyond what it was made for."""
    if not any(POSITION_TABLE.search(name) for name, _ in inner.named_modules()):
        return UNLIMITED

    # Prompt tuning and its like put tokens of their own before each text.
    adapters = adapters_of(model)
    own = getattr(adapters.active_peft_config, "num_virtual_tokens", None) if adapters is not None else None
    return position_limit(inner.config) - (own or 0)


def counts_from_padding(config: PretrainedConfig) -> bool:
    """Tell whether a model's first position is the one behind its padding id."""
    return config.model_type in _COUNT_FROM_PADDING
