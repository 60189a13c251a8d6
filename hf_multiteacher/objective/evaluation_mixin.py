"""A trainer's evaluation: losses that are means over rows, loyalty, and the teachers' own quality."""

from functools import partial
from typing import Any, cast

from torch import Tensor, nn
from torch.utils.data import DataLoader
from transformers import Trainer
from transformers.trainer_utils import EvalLoopOutput, default_compute_objective

from ..models.labels import label_names
from ..models.task import task_of, without_adapters
from ..report.compared_answers import ComparedAnswers
from .answers.of_labels import LabelAnswers
from .answers.of_numbers import NumberAnswers
from .answers.of_words import WordAnswers
from .answers.record import AnswerRecord
from .evaluation import EvaluationRecord
from .objective import DistillationObjective
from .teachers_measured import TeachersMeasured


def students_objective(metrics: dict[str, float]) -> float:
    """Return what a search of hyper-parameters goes by where nobody says it: `Trainer`'s own, of the student alone.

    Args:
        metrics: Those of an evaluation, from which the teachers' and the other losses are left out.
    """
    parts = ("_soft_loss", "_hidden_loss")
    return default_compute_objective(
        {name: value for name, value in metrics.items() if "/" not in name and not name.endswith(parts)}
    )


class EvaluationMixin(Trainer):
    """Puts what the record of an evaluation says beside the figures of `Trainer`.

    A trainer without an objective evaluates as `Trainer` does. One with an objective fills the record in its
    `prediction_step`.
    """

    _objective: DistillationObjective | None = None
    _record: EvaluationRecord | None = None  # of the evaluation that is going on
    _compared_answers: ComparedAnswers | None = None  # of the last one
    _compared_at: tuple[int, bool] | None = None  # after which step, and whether in training
    multi_tokenizer: Any = None  # the trainer's; None where nobody knows a tokenizer

    @property
    def _has_own_loss(self) -> bool:
        """Whether somebody has overridden `compute_loss`, which `Trainer` calls in evaluation too."""
        raise NotImplementedError

    def compute_hard_loss(self, student_logits: Tensor, labels: Tensor) -> Tensor:
        """Compute the loss against the label of every row."""
        raise NotImplementedError

    def evaluation_loop(
        self,
        dataloader: DataLoader,
        description: str,
        prediction_loss_only: bool | None = None,
        ignore_keys: list[str] | None = None,
        metric_key_prefix: str = "eval",
    ) -> EvalLoopOutput:
        """Evaluate as `Trainer` does; the losses are means over rows, and loyalty and the teachers stand beside them.

        `Trainer`'s own `eval_loss`, a mean of the batches' means, would change with the batch size and the ranks; it
        stays where an override of `compute_loss` says what the loss is. The metrics are complete here, before
        callbacks and the choice of the best checkpoint see them.
        """
        evaluate = partial(
            super().evaluation_loop, dataloader, description, prediction_loss_only, ignore_keys, metric_key_prefix
        )
        if self._objective is None:
            return evaluate()

        own, teachers = self.compute_metrics, self._teachers_to_measure()
        gather, hard_loss = self.accelerator.gather_for_metrics, self.compute_hard_loss
        answers = self._answers_to_compare() if metric_key_prefix.startswith("eval") else None  # no prediction's
        self._record = EvaluationRecord(self._objective, gather, hard_loss, teachers, answers)
        try:
            self.compute_metrics = teachers or own
            output = evaluate()
            if output.metrics is not None:
                self._record.complete(output.metrics, metric_key_prefix, own_loss=self._has_own_loss)
            if answers is not None:
                self._compared_answers = answers.result() if answers.models else None
                self._compared_at = self.state.global_step, self.is_in_train
        finally:
            self.compute_metrics, self._record = own, None

        return output

    def _teachers_to_measure(self) -> TeachersMeasured | None:
        """Have the teachers measured by the user's function too: over labels, and where it does not go by batches."""
        measure, objective = cast(Any, self.compute_metrics), cast(DistillationObjective, self._objective)
        over_vocabulary = task_of(cast(nn.Module, self.model)).over_vocabulary
        if measure is None or over_vocabulary or self.args.batch_eval_metrics:
            return None

        preprocess, concatenate = self.preprocess_logits_for_metrics, self.args.eval_do_concat_batches
        return TeachersMeasured(measure, objective, self.accelerator, preprocess, concatenate=concatenate)

    def compared_answers(self) -> ComparedAnswers | None:
        """Return what the last evaluation says of the answers; None where the student has other weights by now."""
        if self._compared_at is None:
            return None

        step, in_training = self._compared_at
        exchanged = in_training and not self.is_in_train and self.args.load_best_model_at_end
        return None if exchanged or step != self.state.global_step else self._compared_answers

    def _answers_to_compare(self) -> AnswerRecord:
        """Have the answers added up for a report."""
        student, objective = cast(nn.Module, self.model), cast(DistillationObjective, self._objective)
        tokenizer = None if self.multi_tokenizer is None else self.multi_tokenizer.student_tokenizer
        if task_of(student).over_vocabulary:
            return WordAnswers(objective, self.accelerator, tokenizer)

        labels = label_names(without_adapters(student).config, "the student")
        kind = NumberAnswers if objective.problem == "regression" else LabelAnswers
        return kind(objective, self.accelerator, tokenizer, labels)
