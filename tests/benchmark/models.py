"""Models of random weights: what a step costs does not depend on what they know."""

from pathlib import Path

import torch
from transformers import BertConfig, BertForMaskedLM, PreTrainedModel

from .settings import Settings

HEAD_WIDTH = 64  # as in every BERT


def configuration(settings: Settings, layers: int) -> BertConfig:
    """Describe a BERT of the run's width."""
    return BertConfig(
        vocab_size=settings.vocabulary,
        hidden_size=settings.hidden,
        num_hidden_layers=layers,
        num_attention_heads=max(1, settings.hidden // HEAD_WIDTH),
        intermediate_size=4 * settings.hidden,
        max_position_embeddings=max(512, settings.length),
        hidden_dropout_prob=settings.dropout,
        attention_probs_dropout_prob=settings.dropout,
        initializer_range=settings.hidden**-0.5,  # so that narrow models have opinions too, and a wrong loss shows
        id2label={number: f"tag-{number}" for number in range(settings.labels)},
    )


def count_parameters(settings: Settings, layers: int) -> int:
    """Count the parameters of a BERT of the run's width, which takes no memory."""
    with torch.device("meta"):
        return BertForMaskedLM(configuration(settings, layers)).num_parameters()


def student(settings: Settings, kind: type[PreTrainedModel] = BertForMaskedLM) -> PreTrainedModel:
    """Make the student; every process makes the same one."""
    torch.manual_seed(settings.seed)
    return kind(configuration(settings, settings.student_layers)).train().to(settings.device)


def teachers(settings: Settings, kind: type[PreTrainedModel] = BertForMaskedLM) -> list[PreTrainedModel]:
    """Make the teachers, frozen and in eval mode; every process makes the same ones."""
    return [_teacher(settings, kind, number) for number in range(settings.teachers)]


def _teacher(settings: Settings, kind: type[PreTrainedModel], number: int) -> PreTrainedModel:
    torch.manual_seed(settings.seed + 1 + number)
    teacher = kind(configuration(settings, settings.teacher_layers))
    return teacher.requires_grad_(False).eval().to(settings.device)


def saved_teachers(
    settings: Settings, folder: Path, kind: type[PreTrainedModel] = BertForMaskedLM, *, write: bool = False
) -> list[str]:
    """Name the folders of the teachers, for a run that need not load them; `write` makes them."""
    folders = [folder / f"{kind.__name__}-{number}" for number in range(settings.teachers)]

    if write:
        for teacher, path in zip(teachers(settings, kind), folders, strict=True):
            teacher.save_pretrained(path)
    return [str(path) for path in folders]
