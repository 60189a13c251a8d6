"""The layers of a BERT or RoBERTa teacher in DistilBERT's shape: its names, its configuration, its weights."""

import copy

import torch
import transformers
from transformers import DistilBertConfig, PretrainedConfig, PreTrainedModel

from .limits import Limits
from .task import task_of

_EMBEDDING_NAMES = ("word_embeddings", "position_embeddings", "LayerNorm")
# DistilBERT's names for the modules of a BERT or RoBERTa layer.
_LAYER_NAMES = {
    "attention.self.query": "attention.q_lin",
    "attention.self.key": "attention.k_lin",
    "attention.self.value": "attention.v_lin",
    "attention.output.dense": "attention.out_lin",
    "attention.output.LayerNorm": "sa_layer_norm",
    "intermediate.dense": "ffn.lin1",
    "output.dense": "ffn.lin2",
    "output.LayerNorm": "output_layer_norm",
}
# DistilBERT's names for the modules of the heads. A token classifier is the same; a BERT pooler and the first layer of
# a RoBERTa classifier, which end in tanh, become the `pre_classifier`, which ends in ReLU.
_HEAD_NAMES = {
    "cls.predictions.transform.dense": "vocab_transform",
    "cls.predictions.transform.LayerNorm": "vocab_layer_norm",
    "cls.predictions.decoder": "vocab_projector",
    "lm_head.dense": "vocab_transform",
    "lm_head.layer_norm": "vocab_layer_norm",
    "lm_head.decoder": "vocab_projector",
    "bert.pooler.dense": "pre_classifier",
    "classifier.dense": "pre_classifier",
    "classifier.out_proj": "classifier",
    "classifier": "classifier",
}
_DISTILLABLE = ("bert", "roberta", "xlm-roberta", "camembert")


def distilbert_from_layers(
    teacher: PreTrainedModel, chosen: list[int]
) -> tuple[PreTrainedModel, dict[str, torch.Tensor]]:
    """Make a DistilBERT for some of a teacher's layers.

    Args:
        teacher: A BERT, RoBERTa, XLM-R or CamemBERT with any head that can be distilled.
        chosen: The layers to be copied, from 0.

    Returns:
        The model, not yet filled, and the teacher's weights under DistilBERT's names.

    Raises:
        ValueError: The teacher's layers have another shape.
    """
    if teacher.config.model_type not in _DISTILLABLE:
        raise ValueError(
            f"A DistilBERT student takes the layers of a teacher of type {', '.join(_DISTILLABLE)}, but this one is "
            f"{teacher.config.model_type}, whose layers have another shape. Use architecture='same'."
        )

    # RoBERTa counts positions from its padding id on.
    padding = Limits.of(teacher).padding_id
    first_position = 0 if padding is None else padding + 1
    student_class = getattr(transformers, f"DistilBert{task_of(teacher).class_suffix}")
    student = student_class(_config(teacher.config, len(chosen), first_position))

    return student, _weights(teacher, chosen, first_position)


def _weights(teacher: PreTrainedModel, chosen: list[int], first_position: int) -> dict[str, torch.Tensor]:
    old = teacher.state_dict()
    new = {
        f"{target}.{part}": old[f"{source}.{part}"]
        for source, target in _names(teacher.base_model_prefix, chosen).items()
        for part in ("weight", "bias")
        if f"{source}.{part}" in old
    }

    embeddings = f"{teacher.base_model_prefix}.embeddings"
    positions = old[f"{embeddings}.position_embeddings.weight"][first_position:]
    first_type = old[f"{embeddings}.token_type_embeddings.weight"][0]
    new["distilbert.embeddings.position_embeddings.weight"] = positions.float() + first_type.float()
    return new


def _names(prefix: str, chosen: list[int]) -> dict[str, str]:
    """DistilBERT's name for each module of the teacher that it takes over."""
    names = {f"{prefix}.embeddings.{name}": f"distilbert.embeddings.{name}" for name in _EMBEDDING_NAMES}
    names |= _HEAD_NAMES

    for position, layer in enumerate(chosen):
        for source, target in _LAYER_NAMES.items():
            names[f"{prefix}.encoder.layer.{layer}.{source}"] = f"distilbert.transformer.layer.{position}.{target}"
    return names


def _config(teacher: PretrainedConfig, layers: int, first_position: int) -> DistilBertConfig:
    dropout = teacher.hidden_dropout_prob

    return DistilBertConfig(
        vocab_size=teacher.vocab_size,
        max_position_embeddings=teacher.max_position_embeddings - first_position,
        n_layers=layers,
        n_heads=teacher.num_attention_heads,
        dim=teacher.hidden_size,
        hidden_dim=teacher.intermediate_size,
        dropout=dropout,
        attention_dropout=teacher.attention_probs_dropout_prob,
        activation=teacher.hidden_act,
        initializer_range=teacher.initializer_range,
        seq_classif_dropout=dropout if teacher.classifier_dropout is None else teacher.classifier_dropout,
        pad_token_id=teacher.pad_token_id,
        bos_token_id=teacher.bos_token_id,
        eos_token_id=teacher.eos_token_id,
        tie_word_embeddings=teacher.tie_word_embeddings,
        id2label=teacher.id2label,
        label2id=copy.copy(teacher.label2id),
        problem_type=teacher.problem_type,
    )
