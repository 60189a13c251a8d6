"""What a model can be given: how many tokens, which ids, and which inputs."""

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from transformers import PretrainedConfig, PreTrainedModel

from .task import prompts_of, without_adapters

UNLIMITED = 10**20

# These count positions from their padding id on, so that many of the table's rows are never used.
_COUNT_FROM_PADDING = (
    "camembert data2vec-text esm ibert layoutlmv3 lilt longformer luke markuplm mpnet roberta roberta-prelayernorm "
    "xlm-roberta xlm-roberta-xl xmod"
).split()
POSITION_TABLE = re.compile(
    r"(^|\.)((char_)?position_embeddings|position_embedding|embed_positions|positions_embed|pos_embed|pos_encoding|wpe)$"
)


@dataclass(frozen=True)
class Limits:
    """What a model can be given.

    Attributes:
        positions: Tokens at most; `UNLIMITED` where it has no table of positions, or says nothing of it.
        padding_id: Of a model that counts only the tokens that are not its padding; None for one that counts all.
        embeddings: Its ids are below this number.
        token_types: Likewise of the token types; `UNLIMITED` where it does not say.
        inputs: What its `forward` takes by name, labels apart: with them it would compute a loss of its own, which
            would be scaled wrongly. The encoding too where a class of the user's own takes it among `**kwargs`.
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
            padding_id=_padding_id(inner),
            embeddings=count_embeddings(inner),
            token_types=UNLIMITED if types is None else types,
            inputs=_inputs(inner, parameters, types) - left_out,
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
    # MPNet has its padding at 1, whatever its configuration says.
    padding = 1 if config.model_type == "mpnet" else config.pad_token_id
    return _position_limit(config, padding if counts_from_padding(config) else None)


def counts_from_padding(config: PretrainedConfig) -> bool:
    """Tell whether a model counts only the tokens that are not its padding, and from its padding id on."""
    return config.model_type in _COUNT_FROM_PADDING


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


def _inputs(inner: PreTrainedModel, parameters: Mapping[str, inspect.Parameter], types: int | None) -> frozenset[str]:
    some, all_others = inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD
    named = frozenset(name for name, each in parameters.items() if each.kind not in (some, all_others))
    takes_all = any(each.kind is all_others for each in parameters.values())

    # Transformers' own name all that they read; elsewhere, without its mask a text would be read with its padding.
    if not takes_all or "attention_mask" in named or inner.forward.__module__.startswith("transformers.models."):
        return named
    return named | {"input_ids", "attention_mask"} | (set() if types is None else {"token_type_ids"})


def _is_demanded(parameter: inspect.Parameter) -> bool:
    by_name = parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    return by_name and parameter.default is parameter.empty


def _positions(model: nn.Module, inner: PreTrainedModel) -> int:
    """Return how many tokens a model can be given; rotary and relative positions go on beyond what it was made for."""
    if not _position_tables(inner):
        return UNLIMITED

    # Prompt tuning and its like put tokens of their own before each text.
    own = getattr(prompts_of(model), "num_virtual_tokens", None)
    return _position_limit(inner.config, _padding_id(inner)) - (own or 0)


def _position_limit(config: PretrainedConfig, padding: int | None) -> int:
    positions = getattr(config, "max_position_embeddings", None) or -1
    if positions < 0:
        return UNLIMITED

    return positions if padding is None else positions - padding - 1


def _padding_id(inner: PreTrainedModel) -> int | None:
    """Return the id from which a model counts: its table was made with it, whatever its configuration says since."""
    if not counts_from_padding(inner.config):
        return None

    known = (getattr(table, "padding_idx", None) for table in _position_tables(inner))
    return next((padding for padding in known if padding is not None), None)


def _position_tables(inner: PreTrainedModel) -> list[Any]:
    """Return what a model looks its positions up in: embeddings, or what it has computed once."""
    named = [*inner.named_modules(), *inner.named_buffers()]
    return [table for name, table in named if POSITION_TABLE.search(name)]
