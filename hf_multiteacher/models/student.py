"""Make a student from a teacher's own weights: fewer layers, and DistilBERT's shape if wanted."""

import copy
import os
from collections.abc import Sequence
from typing import Literal

import torch
import transformers
from torch import nn
from transformers import AutoConfig, AutoModelForMaskedLM, DistilBertConfig, PretrainedConfig, PreTrainedModel

from .task import TASKS, task_of

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


def student_from_teacher(
    teacher: str | os.PathLike[str] | PreTrainedModel,
    layers: int | Sequence[int] = 6,
    architecture: Literal["same", "distilbert"] = "same",
) -> PreTrainedModel:
    """Make a student that starts from a teacher's embeddings, some of its layers and its head.

    Args:
        teacher: A model, or the id or folder of one. It is not changed and shares no memory with the student.
        layers: Which layers to copy, in rising order from 0; or how many, evenly spread from the first to the last
            (6 of 12: 0, 2, 4, 7, 9, 11). ALBERT shares its layers: only their number counts.
        architecture: `"same"` as the teacher's, or `"distilbert"` from BERT, RoBERTa, XLM-R or CamemBERT. DistilBERT
            has no token types and no pooler: the first token type is added to the positions, and the pooler becomes
            the `pre_classifier`, whose ReLU in tanh's place needs training. Its layer norms have an epsilon of 1e-12.

    Returns:
        A float32 model on the CPU with the teacher's class of head, label names, and dropout.

    Raises:
        ValueError: The layers or the architecture cannot be had from this teacher.
        TypeError: The teacher is a PEFT model or no transformers model.

    Example:
        >>> from transformers import BertConfig, BertForMaskedLM
        >>> shape = dict(hidden_size=8, num_attention_heads=2, intermediate_size=8, vocab_size=20)
        >>> student = student_from_teacher(BertForMaskedLM(BertConfig(num_hidden_layers=4, **shape)), layers=2)
        >>> student.config.num_hidden_layers
        2
    """
    if isinstance(teacher, str | os.PathLike):
        teacher = _load(os.fspath(teacher))
    if not isinstance(teacher, PreTrainedModel):
        raise TypeError(
            "student_from_teacher expects a transformers model, its id or its folder, but got "
            f"{type(teacher).__name__}, whose layers it cannot copy. Give a PEFT model as model.merge_and_unload()."
        )
    chosen = _chosen_layers(layers, teacher.config.num_hidden_layers)
    if architecture == "same" or (architecture == "distilbert" and teacher.config.model_type == "distilbert"):
        student, weights = _same_architecture(teacher, chosen)
    elif architecture == "distilbert":
        student, weights = _distilbert(teacher, chosen)
    else:
        raise ValueError(f"architecture must be 'same' or 'distilbert', but got {architecture!r}. Choose one of them.")
    student.load_state_dict(weights, strict=True)
    return student.eval()


def _load(source: str) -> PreTrainedModel:
    """Load a checkpoint with the head it was saved with, where that is one for distillation, else for masked-LM."""
    saved_as = (AutoConfig.from_pretrained(source).architectures or [""])[0]
    has_head = saved_as.endswith(tuple(task.class_suffix for task in TASKS.values()))
    model_class = getattr(transformers, saved_as) if has_head else AutoModelForMaskedLM
    return model_class.from_pretrained(source)


def _chosen_layers(layers: int | Sequence[int], available: int) -> list[int]:
    if isinstance(layers, int):
        # Positions i * (available - 1) / (layers - 1), rounded half up.
        steps = max(layers - 1, 1)
        chosen = [(2 * index * (available - 1) + steps) // (2 * steps) for index in range(layers)]
    else:
        chosen = list(layers)
    if not chosen or chosen != sorted(set(chosen)) or not 0 <= chosen[0] <= chosen[-1] < available:
        raise ValueError(
            f"The teacher has {available} layers, numbered from 0 to {available - 1}, but layers={layers!r} does not "
            "choose among them, so there is nothing to copy. Give how many, or their numbers in rising order."
        )
    return chosen


def _same_architecture(teacher: PreTrainedModel, chosen: list[int]) -> tuple[PreTrainedModel, dict[str, torch.Tensor]]:
    config = copy.deepcopy(teacher.config)
    config.num_hidden_layers = len(chosen)
    config._name_or_path = ""
    if getattr(config, "layer_types", None):
        config.layer_types = [config.layer_types[layer] for layer in chosen]
    student, weights = type(teacher)(config), teacher.state_dict()
    stack = _layer_stack(teacher)
    if stack is None:
        return student, weights
    renamed = {}
    for name in student.state_dict():
        source = name
        if name.startswith(f"{stack}."):
            position, rest = name.removeprefix(f"{stack}.").split(".", 1)
            source = f"{stack}.{chosen[int(position)]}.{rest}"
        renamed[name] = weights[source]
    return student, renamed


def _layer_stack(teacher: PreTrainedModel) -> str | None:
    """Return the name of the list of layers, or None where all layers are one and the same, as in ALBERT."""
    config = teacher.config
    if getattr(config, "num_hidden_groups", None) == 1:
        return None
    for name, module in teacher.named_modules():
        if isinstance(module, nn.ModuleList) and len(module) == config.num_hidden_layers:
            return name
    raise ValueError(
        f"student_from_teacher needs one list of {config.num_hidden_layers} layers to choose from, but "
        f"{type(teacher).__name__} has none, so it cannot be shortened. Use a teacher with separate layers."
    )


def _distilbert(teacher: PreTrainedModel, chosen: list[int]) -> tuple[PreTrainedModel, dict[str, torch.Tensor]]:
    if teacher.config.model_type not in _DISTILLABLE:
        raise ValueError(
            f"A DistilBERT student takes the layers of a teacher of type {', '.join(_DISTILLABLE)}, but this one is "
            f"{teacher.config.model_type}, whose layers have another shape. Use architecture='same'."
        )
    # RoBERTa counts positions from its padding id on.
    first_position = 0 if teacher.config.model_type == "bert" else teacher.config.pad_token_id + 1
    student_class = getattr(transformers, f"DistilBert{task_of(teacher).class_suffix}")
    student = student_class(_distilbert_config(teacher.config, len(chosen), first_position))
    prefix, old = teacher.base_model_prefix, teacher.state_dict()
    names = {f"{prefix}.embeddings.{name}": f"distilbert.embeddings.{name}" for name in _EMBEDDING_NAMES} | _HEAD_NAMES
    for position, layer in enumerate(chosen):
        for source, target in _LAYER_NAMES.items():
            names[f"{prefix}.encoder.layer.{layer}.{source}"] = f"distilbert.transformer.layer.{position}.{target}"
    new = {
        f"{target}.{part}": old[f"{source}.{part}"]
        for source, target in names.items()
        for part in ("weight", "bias")
        if f"{source}.{part}" in old
    }
    positions = old[f"{prefix}.embeddings.position_embeddings.weight"][first_position:]
    first_type = old[f"{prefix}.embeddings.token_type_embeddings.weight"][0]
    new["distilbert.embeddings.position_embeddings.weight"] = positions.float() + first_type.float()
    return student, new


def _distilbert_config(teacher: PretrainedConfig, layers: int, first_position: int) -> DistilBertConfig:
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
