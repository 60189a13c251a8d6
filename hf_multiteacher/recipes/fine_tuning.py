"""Fine-tune a pretrained encoder on a labelled task, from the labels alone or with teachers."""

from collections.abc import Sequence
from typing import Any, cast

from torch import nn
from transformers import PreTrainedTokenizerFast, TrainingArguments

from ..collation.data_collator import DataCollatorForDistillation
from ..report.charts import OTHER_DATA
from ..teachers.ensemble import Teacher
from ..tokenization.multi_tokenizer import MultiTokenizer
from ..trainer import MultiTeacherDistillationTrainer
from .data.labelled_data import LabelledData
from .terminal.progress import Progress


class _OrderedTrainer(MultiTeacherDistillationTrainer):
    def _get_eval_sampler(self, eval_dataset: Any) -> None:
        """Keep the data set's order, which `group_by_length` would change: by it, windows are put together again."""


def fine_tune(
    model: nn.Module,
    tokenizer: PreTrainedTokenizerFast,
    data: LabelledData,
    args: TrainingArguments,
    teachers: Sequence[Teacher] = (),
    *,
    progress: Progress | None = None,
) -> tuple[MultiTeacherDistillationTrainer, dict[str, float]]:
    """Train a model on labelled data and evaluate it.

    Args:
        model: The student, or a teacher to be.
        tokenizer: The model's.
        data: What to learn and to be measured on.
        args: The arguments of the run; with teachers, `DistillationTrainingArguments`.
        teachers: Fine-tuned teachers to learn from, each with its tokenizer.
        progress: What shows the training; by default the trainer prints itself.

    Returns:
        The trainer, and the evaluation's metrics: the data's own, `eval_loss`, and with teachers the loyalty to each.
    """
    trainer = make_trainer(model, tokenizer, data, args, teachers)
    if progress is not None:
        progress.follow(trainer)

    trainer.train()
    return trainer, trainer.evaluate()


def make_trainer(
    model: nn.Module,
    tokenizer: PreTrainedTokenizerFast,
    data: LabelledData,
    args: TrainingArguments,
    teachers: Sequence[Teacher] = (),
) -> MultiTeacherDistillationTrainer:
    """Encode the data and make the trainer of a fine-tuning; arguments as for `fine_tune`.

    Raises:
        ValueError: The trainer refuses its arguments.
    """
    tokenizers: list[Any] = [teacher.tokenizer for teacher in teachers]
    multi_tokenizer = MultiTokenizer(tokenizer, tokenizers)
    train, test = (data.encoded(part, multi_tokenizer, taught=bool(teachers)) for part in (data.train, data.test))

    trainer = _OrderedTrainer(
        model=model,
        args=args,
        data_collator=DataCollatorForDistillation(multi_tokenizer),
        train_dataset=train,
        eval_dataset=test,
        processing_class=tokenizer,
        compute_metrics=data.compute_metrics,
        teachers=list(teachers),
    )
    if not teachers:
        # A mean per batch, which the Trainer would otherwise take for one that knows the whole step.
        trainer.model_accepts_loss_kwargs = False

    return trainer


def evaluate_on(trainer: MultiTeacherDistillationTrainer, data: LabelledData) -> dict[str, float]:
    """Evaluate a trainer of `make_trainer` on other data than those that it was evaluated on in its training."""
    multi_tokenizer = cast(DataCollatorForDistillation, trainer.data_collator).multi_tokenizer
    trainer.compute_metrics = data.compute_metrics
    measured = trainer.evaluate(cast(Any, data.encoded(data.test, multi_tokenizer, taught=True)))

    trainer.state.log_history[-1][OTHER_DATA] = True
    return measured
