"""A student whose vocabulary is not its teacher's: its configuration, and embeddings made of the teacher's."""

import copy
from typing import Any

import numpy as np
import torch
from torch import nn
from transformers import PretrainedConfig, PreTrainedModel, PreTrainedTokenizerFast

from ..tokenization.transfer import OTHER_ROLE, VocabularyTransfer
from .limits import POSITION_TABLE, counts_from_padding

SEED = 0
ROLES = ("pad", "bos", "eos", "cls", "sep", "mask", "unk")
Weights = dict[str, torch.Tensor]


def with_own_vocabulary(
    student: PreTrainedModel, weights: Weights, transfer: VocabularyTransfer
) -> tuple[PreTrainedModel, Weights]:
    """Make a student anew for its own vocabulary.

    Args:
        student: It with the teacher's vocabulary.
        weights: All its weights.
        transfer: What the entries of its own start from.

    Returns:
        The student, not yet filled, and its weights.

    Raises:
        ValueError: The teacher's embeddings are fewer than its tokenizer's entries, or the student's tokenizer has no
            padding that the architecture can use.
    """
    config = _config(student.config, transfer.tokenizer, len(transfer.sources))
    old = student.config.vocab_size
    if old < transfer.teacher_entries:
        raise ValueError(
            f"student_from_teacher expects the tokenizer that the teacher reads through, but teacher_tokenizer has "
            f"{transfer.teacher_entries} entries and the teacher {old} embeddings: some would have none. Give the "
            "tokenizer that the teacher was saved with."
        )

    own = type(student)(config)
    _expect_padding(own)
    of_vocabulary = _vocabulary_names(type(student), config)
    made = {
        name: _transferred(weight, transfer) if name in of_vocabulary else weight for name, weight in weights.items()
    }
    return own, _moved_positions(made, student.config, config)


def _config(config: PretrainedConfig, tokenizer: PreTrainedTokenizerFast, entries: int) -> PretrainedConfig:
    if tokenizer.pad_token_id is None:
        raise ValueError(
            "student_from_teacher expects a tokenizer with a padding token, but this one has none, so texts of "
            "different lengths could not stand in one batch. Set one: tokenizer.pad_token = ..."
        )

    old_padding, config = config.pad_token_id, copy.deepcopy(config)
    for role in ROLES:
        name = f"{role}_token_id"
        if getattr(config, name, None) is not None:
            setattr(config, name, _id_of(tokenizer, role))

    config.vocab_size, config.pad_token_id = entries, tokenizer.pad_token_id
    if counts_from_padding(config):
        config.max_position_embeddings += config.pad_token_id - old_padding
    return config


def _id_of(tokenizer: PreTrainedTokenizerFast, role: str) -> int | None:
    index: int | None = getattr(tokenizer, f"{role}_token_id")
    if index is None and role in OTHER_ROLE:
        index = getattr(tokenizer, f"{OTHER_ROLE[role]}_token_id")
    return index


def _expect_padding(student: PreTrainedModel) -> None:
    """Refuse an architecture that counts positions from a padding id which cannot be set."""
    embedding: Any = student.get_input_embeddings()
    if counts_from_padding(student.config) and embedding.padding_idx != student.config.pad_token_id:
        raise ValueError(
            f"A {type(student).__name__} counts positions from id {embedding.padding_idx}, which must be its padding, "
            f"but the student's tokenizer has its padding at {student.config.pad_token_id}: every position would be "
            f"wrong. Give a tokenizer whose padding has id {embedding.padding_idx}, such as a trimmed one."
        )


def _vocabulary_names(model_class: type[PreTrainedModel], config: PretrainedConfig) -> set[str]:
    """Name the weights with a row for each entry: those whose shape changes with the size of the vocabulary."""
    wider = copy.deepcopy(config)
    wider.vocab_size += 1

    with torch.device("meta"):
        shapes = [model_class(copy.deepcopy(each)).state_dict() for each in (config, wider)]
    return {name for name, tensor in shapes[0].items() if tensor.shape != shapes[1][name].shape}


def _transferred(table: torch.Tensor, transfer: VocabularyTransfer) -> torch.Tensor:
    """Make a student's rows, `[own entries, ...]`, of the teacher's, `[teacher's entries, ...]`."""
    rows = table.detach().cpu().float().reshape(len(table), -1)
    ids = torch.tensor([index for ids in transfer.sources for index in ids], dtype=torch.int64)
    starts = np.cumsum([0, *(len(ids) for ids in transfer.sources[:-1])])
    made = nn.functional.embedding_bag(ids, rows, torch.from_numpy(starts), mode="mean")

    left = torch.from_numpy(np.flatnonzero(transfer.left))
    spread, mean = torch.std_mean(rows[: transfer.teacher_entries], dim=0)
    noise = torch.randn(len(left), rows.shape[1], generator=torch.Generator().manual_seed(SEED))
    made[left] = mean + spread * noise
    return made.reshape(-1, *table.shape[1:])


def _moved_positions(weights: Weights, old: PretrainedConfig, new: PretrainedConfig) -> Weights:
    """Put the positions where a model looks for them that counts them from its padding id on."""
    if not counts_from_padding(new):
        return weights

    moved = {}
    for name, weight in weights.items():
        if POSITION_TABLE.search(name.removesuffix(".weight")):
            unused = weight.new_zeros(new.pad_token_id, weight.shape[1])
            weight = torch.cat([unused, weight[old.pad_token_id :]])
        moved[name] = weight
    return moved
