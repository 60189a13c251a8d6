"""Make a student from a teacher's own weights: fewer layers, and DistilBERT's shape if wanted."""

import copy
import os
from collections.abc import Sequence
from typing import Any, Literal, cast

import torch
import transformers
from torch import nn
from transformers import AutoConfig, AutoModelForMaskedLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerFast

from ..tokenization.encoder import FEWEST_ENTRIES
from ..tokenization.transfer import VocabularyTransfer
from .distilbert import distilbert_from_layers
from .labels import copy_names
from .loading import OF_A_TASK, expect_encoder, explained, first_names, load_with_report
from .own_vocabulary import with_own_vocabulary
from .task import TASKS, uncompiled

LayerNames = Literal["first", "last", "spread"]
WITH_LABELS = tuple(task.class_suffix for task in TASKS.values() if not task.over_vocabulary)


def student_from_teacher(
    teacher: str | os.PathLike[str] | PreTrainedModel,
    layers: int | Sequence[int] | LayerNames = 6,
    architecture: Literal["same", "distilbert"] = "same",
    *,
    tokenizer: PreTrainedTokenizerFast | None = None,
    teacher_tokenizer: PreTrainedTokenizerFast | None = None,
) -> PreTrainedModel:
    """Make a student that starts from a teacher's embeddings, some of its layers and its head.

    Args:
        teacher: A model, or the id or folder of one. It is not changed and shares no memory with the student.
        layers: Which layers to copy, in rising order from 0; or how many, evenly spread from the first to the last
            (6 of 12: 0, 2, 4, 7, 9, 11); or `"first"`, `"last"` or `"spread"`, half of them. ALBERT shares its layers:
            only their number counts.
        architecture: `"same"` as the teacher's, or `"distilbert"` from BERT, RoBERTa, XLM-R or CamemBERT. DistilBERT
            has no token types and no pooler: the first token type is added to the positions, and the pooler becomes
            the `pre_classifier`, whose ReLU in tanh's place needs training. Its layer norms have an epsilon of 1e-12.
        tokenizer: The student's, where it is not the teacher's. Its embeddings start from the teacher's as
            [`VocabularyTransfer`] says, which also counts how many do; what is left, from their mean and spread.
        teacher_tokenizer: The teacher's, beside `tokenizer`; None: the one in the teacher's folder.

    Returns:
        A float32 model on the CPU with the teacher's class of head, label names, and dropout.

    Raises:
        ValueError: The layers, the architecture or the vocabulary cannot be had from this teacher.
        TypeError: The teacher is a PEFT model or no transformers model, or a tokenizer is not a fast one.

    Example:
        >>> from transformers import BertConfig, BertForMaskedLM
        >>> shape = dict(hidden_size=8, num_attention_heads=2, intermediate_size=8, vocab_size=20)
        >>> student = student_from_teacher(BertForMaskedLM(BertConfig(num_hidden_layers=4, **shape)), layers=2)
        >>> student.config.num_hidden_layers
        2
    """
    transfer = _transfer(teacher, tokenizer, teacher_tokenizer)
    if isinstance(teacher, str | os.PathLike):
        teacher = _load(os.fspath(teacher))

    teacher = cast(PreTrainedModel, uncompiled(teacher))
    if not isinstance(teacher, PreTrainedModel):
        raise TypeError(
            "student_from_teacher expects a transformers model, its id or its folder, but got "
            f"{type(teacher).__name__}, whose layers it cannot copy. Give a PEFT model as model.merge_and_unload()."
        )

    if teacher.config.model_type == "funnel":
        raise ValueError(
            "student_from_teacher takes layers from one list, but Funnel has blocks of them between which it shortens "
            "the text, so a part of them is another model. Use a teacher of another architecture to start from; a "
            "Funnel can still teach."
        )

    chosen = _chosen_layers(layers, teacher.config.num_hidden_layers)
    if architecture == "same" or (architecture == "distilbert" and teacher.config.model_type == "distilbert"):
        student, weights = _same_architecture(teacher, chosen)
    elif architecture == "distilbert":
        student, weights = distilbert_from_layers(teacher, chosen)
    else:
        raise ValueError(f"architecture must be 'same' or 'distilbert', but got {architecture!r}. Choose one of them.")

    if transfer is not None:
        student, weights = with_own_vocabulary(student, weights, transfer)
    student.load_state_dict(weights, strict=True)
    if type(student).__name__.endswith(WITH_LABELS):
        copy_names(teacher.config, student.config)
    return student.eval()


def _transfer(
    teacher: Any, tokenizer: PreTrainedTokenizerFast | None, teacher_tokenizer: PreTrainedTokenizerFast | None
) -> VocabularyTransfer | None:
    if tokenizer is None:
        if teacher_tokenizer is not None:
            raise ValueError(
                "student_from_teacher expects teacher_tokenizer beside tokenizer, the student's own, but got only the "
                "teacher's: the student would read through it anyway. Leave it out, or give both."
            )
        return None

    if teacher_tokenizer is None and isinstance(teacher, str | os.PathLike):
        teacher_tokenizer = _load_tokenizer(os.fspath(teacher))
    if teacher_tokenizer is None:
        raise ValueError(
            "student_from_teacher expects teacher_tokenizer beside tokenizer where the teacher is a model, but got "
            "none, so it cannot tell what the teacher's embeddings stand for. Give the one that it reads through."
        )
    return VocabularyTransfer.from_tokenizers(tokenizer, teacher_tokenizer)


def _load_tokenizer(source: str) -> PreTrainedTokenizerFast:
    with explained(f"The model '{source}'", "tokenizer"):
        tokenizer: Any = AutoTokenizer.from_pretrained(source)
    if len(tokenizer) < FEWEST_ENTRIES:
        raise ValueError(
            f"The model '{source}' has no tokenizer beside it, so nothing says what its embeddings stand for. Give "
            "the one that it reads through as teacher_tokenizer."
        )
    return cast(PreTrainedTokenizerFast, tokenizer)


def _load(source: str) -> PreTrainedModel:
    """Load a checkpoint with the head it was saved with, where that is one for distillation, else for masked-LM."""
    owner = f"The model '{source}'"
    with explained(owner, "configuration"):
        saved_as = (AutoConfig.from_pretrained(source).architectures or [None])[0] or ""
    has_head = saved_as.endswith(tuple(task.class_suffix for task in TASKS.values()))
    if not has_head and OF_A_TASK.search(saved_as):
        raise ValueError(
            f"{owner} is a {saved_as}, whose head no student can have, so it would get a random one for masked-LM. "
            "Give a model for masked-LM, token or sequence classification, or the pretrained model behind it."
        )

    with explained(owner, "weights"):
        model_class = getattr(transformers, saved_as) if has_head else AutoModelForMaskedLM
        model, new = load_with_report(model_class, source, dtype=torch.float32)
    if has_head and new:
        raise ValueError(
            f"{owner} is a {saved_as}, but has no weights in its file for {first_names(new)}, or in another size "
            "than its configuration says: they would be random. Give the whole model, as save_pretrained leaves it."
        )
    expect_encoder(owner, model, new)
    return cast(PreTrainedModel, model)


def _chosen_layers(layers: int | Sequence[int] | str, available: int) -> list[int]:
    half = (available + 1) // 2
    if isinstance(layers, str):
        named = {"first": range(half), "last": range(available - half, available), "spread": _spread(half, available)}
        chosen = [*named.get(layers, [])]
    elif isinstance(layers, int):
        chosen = _spread(layers, available)
    else:
        chosen = list(layers)

    if not chosen or chosen != sorted(set(chosen)) or not 0 <= chosen[0] <= chosen[-1] < available:
        raise ValueError(
            f"The teacher has {available} layers, numbered from 0 to {available - 1}, but layers={layers!r} does not "
            "choose among them, so there is nothing to copy. Give how many, their numbers in rising order, or half by "
            "name: 'first', 'last' or 'spread'."
        )
    return chosen


def _spread(number: int, available: int) -> list[int]:
    """Return positions i * (available - 1) / (number - 1), rounded half up."""
    steps = max(number - 1, 1)
    return [(2 * index * (available - 1) + steps) // (2 * steps) for index in range(number)]


def _same_architecture(teacher: PreTrainedModel, chosen: list[int]) -> tuple[PreTrainedModel, dict[str, torch.Tensor]]:
    config = copy.deepcopy(teacher.config)
    config.num_hidden_layers = len(chosen)
    config._name_or_path = ""
    for name in ("layer_types", "attention_window"):  # ModernBERT's and Longformer's, one for each layer
        if isinstance(getattr(config, name, None), list | tuple):
            setattr(config, name, [getattr(config, name)[layer] for layer in chosen])

    student = type(teacher)(config)
    weights = teacher.state_dict()
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
