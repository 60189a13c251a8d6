"""TextBrewer's `MultiTeacherDistiller`, on texts padded to one length as in its examples.

Its loss is near the others' and not equal: it averages the teachers' logits, not their probabilities; it has no T²,
which its weight makes up for; and it is a cross entropy, whose gradient is that of the KL divergence.
"""

from typing import Any

from textbrewer import DistillationConfig, MultiTeacherDistiller, TrainingConfig
from torch import Tensor
from torch.nn.functional import cross_entropy

from ..clock import Clock, make_optimizer
from ..models import student, teachers
from ..settings import HARD_WEIGHT, MAX_GRADIENT_NORM, SOFT_WEIGHT, TEMPERATURE
from ..training import autocast
from ..workload import Batch, Workload


class LabelledRows:
    """The adaptors: the loss works on labelled rows alone, and no model is asked for a loss of its own."""

    labels: Tensor

    def take_labels(self, batch: Batch) -> Batch:
        """Keep the labels, and give the models the rest."""
        self.labels = batch["labels"]
        return {name: values for name, values in batch.items() if name != "labels"}

    def teacher(self, batch: Batch, outputs: Any) -> dict[str, Any]:
        """Say where a teacher's logits count."""
        return {"logits": outputs.logits, "logits_mask": self.labels.to(outputs.logits.device) != -100}

    def student(self, batch: Batch, outputs: Any) -> dict[str, Any]:
        """Say where the student's logits count, and how far they are from the labels."""
        answers = self.teacher(batch, outputs)
        labelled = answers["logits_mask"]

        labels = self.labels.to(labelled.device)[labelled]
        return answers | {"losses": cross_entropy(outputs.logits[labelled], labels)}


def train(workload: Workload, clock: Clock) -> None:
    """Train with TextBrewer."""
    settings, rows = workload.settings, LabelledRows()
    model, models = student(settings), teachers(settings)
    clock.models_are_loaded()

    distiller = MultiTeacherDistiller(
        TrainingConfig(
            device=settings.device, output_dir=str(workload.folder), ckpt_steps=settings.warmup + settings.steps
        ),
        DistillationConfig(
            temperature=TEMPERATURE, kd_loss_weight=SOFT_WEIGHT * TEMPERATURE**2, hard_label_weight=HARD_WEIGHT
        ),
        models,
        model,
        rows.teacher,
        rows.student,
    )
    with distiller, autocast(settings):
        distiller.train(
            make_optimizer(model, clock),
            workload.padded(),
            num_steps=settings.warmup + settings.steps,
            max_grad_norm=MAX_GRADIENT_NORM,
            batch_postprocessor=rows.take_labels,
        )
