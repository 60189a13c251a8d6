"""The `Trainer` subclass that people write by hand: all logits of all tokens, every text padded to the full length."""

from collections.abc import Sequence
from typing import Any

import torch
from torch.nn.functional import kl_div, log_softmax, softmax
from transformers import Trainer, TrainingArguments

from ..clock import Clock, make_optimizer
from ..models import student, teachers
from ..settings import HARD_WEIGHT, SOFT_WEIGHT, TEMPERATURE
from ..training import training_arguments
from ..workload import Workload


class DistillationTrainer(Trainer):
    def __init__(self, *args: Any, teachers: Sequence[torch.nn.Module], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.teachers = teachers

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        outputs = model(**inputs)
        labelled = inputs["labels"] != -100

        with torch.no_grad():
            logits = [teacher(inputs["input_ids"], inputs["attention_mask"]).logits for teacher in self.teachers]
            first, *others = [softmax(each / TEMPERATURE, dim=-1) for each in logits]
            target = sum(others, first) / len(logits)

        predicted = log_softmax(outputs.logits / TEMPERATURE, dim=-1)
        soft_loss = kl_div(predicted[labelled], target[labelled], reduction="batchmean") * TEMPERATURE**2

        loss = SOFT_WEIGHT * soft_loss + HARD_WEIGHT * outputs.loss
        return (loss, outputs) if return_outputs else loss


def train(workload: Workload, clock: Clock) -> None:
    """Train with that subclass."""
    model, models = student(workload.settings), teachers(workload.settings)
    clock.models_are_loaded()

    rows = [
        dict(zip(batch, row, strict=True)) for batch in workload.padded() for row in zip(*batch.values(), strict=True)
    ]
    trainer = DistillationTrainer(
        model=model,
        args=TrainingArguments(**training_arguments(workload.settings, workload.folder)),
        train_dataset=rows,
        optimizers=(make_optimizer(model, clock), None),
        teachers=models,
    )
    trainer.train()
