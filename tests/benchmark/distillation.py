"""What the contenders that use our package share."""

from pathlib import Path
from typing import Any

import torch
from datasets import Dataset

from hf_multiteacher import DistillationTrainingArguments, MultiTeacherDistillationTrainer, Teacher
from hf_multiteacher.collation.data_collator import DataCollatorForDistillation
from hf_multiteacher.tokenization.multi_tokenizer import MultiTokenizer

from .clock import Clock, make_optimizer
from .examples import draw_examples
from .settings import HARD_WEIGHT, SOFT_WEIGHT, TEMPERATURE, Settings
from .tokenizers import made_up_tokenizer
from .training import training_arguments
from .workload import Workload


def collator(settings: Settings) -> DataCollatorForDistillation:
    """Make the collator that draws the masks of all contenders; ours has the same one."""
    tokenizer = made_up_tokenizer(settings.vocabulary, settings.length)
    return DataCollatorForDistillation(
        MultiTokenizer(tokenizer, [tokenizer] * settings.teachers), mlm=True, seed=settings.seed
    )


def distillation_arguments(settings: Settings, folder: Path, **options: Any) -> DistillationTrainingArguments:
    """Set up the objective that all contenders have."""
    return DistillationTrainingArguments(
        **training_arguments(settings, folder),
        temperature=TEMPERATURE,
        soft_target_weight=SOFT_WEIGHT,
        hard_label_weight=HARD_WEIGHT,
        ensemble="probabilities",
        **options,
    )


def make_trainer(
    workload: Workload,
    student: torch.nn.Module,
    teachers: list[Any],
    clock: Clock,
    *,
    ranks: int = 1,
    **options: Any,
) -> MultiTeacherDistillationTrainer:
    """Make our trainer on the run's examples, in their order; of several ranks each has as many as one alone."""
    settings, collate = workload.settings, collator(workload.settings)
    tokenizer = collate.multi_tokenizer.student_tokenizer

    return MultiTeacherDistillationTrainer(
        model=student,
        args=distillation_arguments(settings, workload.folder, **options),
        data_collator=collate,
        train_dataset=Dataset.from_list(draw_examples(settings.for_ranks(ranks), workload.lengths)),
        processing_class=tokenizer,
        optimizers=(make_optimizer(student, clock), None),
        teachers=[Teacher(teacher, tokenizer=tokenizer, name=f"teacher-{n}") for n, teacher in enumerate(teachers)],
    )
