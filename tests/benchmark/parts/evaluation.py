"""Evaluating a student with its loyalty to the teachers, and without."""

from pathlib import Path

from datasets import Dataset
from transformers import BertForTokenClassification, PrinterCallback

from hf_multiteacher import MultiTeacherDistillationTrainer, Teacher

from ..distillation import distillation_arguments
from ..examples import draw_tagged_examples
from ..models import student, teachers
from ..settings import Settings
from ..tokenizers import made_up_tokenizer
from .timing import Pair


def evaluation(settings: Settings, folder: Path) -> dict[str, Pair]:
    """Compare `evaluate()` with `report_loyalty` on and off; the teachers run only where it is on."""
    models = teachers(settings, BertForTokenClassification)
    tokenizer = made_up_tokenizer(settings.vocabulary, settings.length)

    def trainer(report_loyalty: bool) -> MultiTeacherDistillationTrainer:
        made = MultiTeacherDistillationTrainer(
            model=student(settings, BertForTokenClassification),
            args=distillation_arguments(
                settings, folder, report_loyalty=report_loyalty, per_device_eval_batch_size=settings.batch
            ),
            eval_dataset=Dataset.from_list(draw_tagged_examples(settings)),
            processing_class=tokenizer,
            teachers=[Teacher(model, tokenizer=tokenizer, name=f"teacher-{n}") for n, model in enumerate(models)],
        )
        made.remove_callback(PrinterCallback)
        return made

    return {
        "evaluation": Pair(
            trainer(True).evaluate, trainer(False).evaluate, "report_loyalty=False", "s", lambda seconds: seconds
        )
    }
