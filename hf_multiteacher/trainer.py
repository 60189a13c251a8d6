"""A `transformers.Trainer` whose student learns from one or many teachers."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader
from transformers import PreTrainedTokenizerBase, Trainer, TrainingArguments
from transformers.trainer_utils import EvalLoopOutput

from . import resume
from .data_collator import DataCollatorForDistillation
from .evaluation import EvaluationRecord
from .heads import SelectedHead, rows_of_logits, task_of, without_adapters
from .objective import DistillationObjective, Rows
from .step_keeper import StepKeeper
from .teachers import TeacherEnsemble
from .tokenization import MultiTokenizer
from .trainer_setup import check_arguments, check_trainer, choose_collator, set_problem_type, use_one_gpu


class MultiTeacherDistillationTrainer(Trainer):
    """`transformers.Trainer` for a student that learns from one or many teachers.

    Each teacher reads the text through its own tokenizer. Every part of the loss is a mean over its own rows in the
    whole optimizer step, so accumulation, ranks and a resume change no number. Without teachers this is `Trainer`.

    Args:
        model: The student: masked-LM, token classification or sequence classification, PEFT-wrapped or not.
        args: `DistillationTrainingArguments`.
        data_collator: By default a `DataCollatorForDistillation` for the student's task.
        trainer_args: The rest of `Trainer`'s arguments, in its order.
        teachers: Ids, folders, models or `Teacher` objects, one or many; overrides `args.teachers`.
        trainer_kwargs: The rest of `Trainer`'s arguments by name; `processing_class` is the student's tokenizer.

    Raises:
        TypeError: There are teachers and `args` are no `DistillationTrainingArguments`.
        ValueError: A teacher does not fit the student, or an option does not go with distillation.
    """

    def __init__(
        self,
        model: nn.Module | None = None,
        args: TrainingArguments | None = None,
        data_collator: Callable[[list[Any]], dict[str, Any]] | None = None,
        *trainer_args: Any,
        teachers: Any = None,
        **trainer_kwargs: Any,
    ) -> None:
        self.objective: DistillationObjective | None = None
        teachers = getattr(args, "teachers", None) if teachers is None else teachers
        if teachers is None or (isinstance(teachers, list | tuple) and not teachers):
            super().__init__(model, args, data_collator, *trainer_args, **trainer_kwargs)
            return
        args = check_arguments(args)
        use_one_gpu(args)
        super().__init__(model, args, data_collator, *trainer_args, **trainer_kwargs)
        check_trainer(self)
        set_problem_type(self)
        # The Trainer then counts on compute_loss to have divided by the counts of the whole step, which it does.
        self.model_accepts_loss_kwargs = True
        self._make_objective(teachers, data_collator)

    def _make_objective(self, teachers: Any, data_collator: Callable[..., Any] | None) -> None:
        student, tokenizer = self.model, self._student_tokenizer()
        loaded = TeacherEnsemble.load(
            teachers,
            student=student,
            student_tokenizer=tokenizer,
            dtype=self.args.teacher_dtype,
            device=self.args.device,
        )
        self.multi_tokenizer = MultiTokenizer(tokenizer, [each or tokenizer for each in loaded.tokenizers])
        self.data_collator = choose_collator(self, data_collator)
        self.objective = DistillationObjective(
            student,
            loaded,
            self.multi_tokenizer,
            self.args,
            self.compute_teacher_weights,
            self.compute_distillation_loss,
        )
        self._components: dict[str, Tensor] = {}
        self._steps_since_log = 0
        self._record: EvaluationRecord | None = None
        self._follow_student()
        self.add_callback(StepKeeper(self))

    def _student_tokenizer(self) -> PreTrainedTokenizerBase:
        for owner in (self.processing_class, getattr(self.data_collator, "tokenizer", None)):
            if isinstance(owner, PreTrainedTokenizerBase):
                return owner
        raise ValueError(
            "MultiTeacherDistillationTrainer needs the student's tokenizer to find out which teachers read the text "
            f"as it does, but processing_class is {type(self.processing_class).__name__}. Pass processing_class=tokenizer."
        )

    def _follow_student(self) -> None:
        """Set up what belongs to one student: its head, its inputs, and projections of its sizes."""
        student = without_adapters(self.model)
        self._head = SelectedHead(self.model) if task_of(student) == "masked-lm" else None
        self._student_inputs = set(inspect.signature(student.forward).parameters) - {"labels"}
        self.objective.make_hidden_loss(student)

    def call_model_init(self, trial: Any = None) -> nn.Module:
        """Make a student as `Trainer` does; every trial of a search gets its own head and projections."""
        model = super().call_model_init(trial)
        if self.objective is not None:
            self.model = model
            self._follow_student()
        return model

    # ---- What subclasses may override ----

    def compute_teacher_weights(
        self, teacher_logits: list[Tensor], labels: list[Tensor] | None, available: Tensor
    ) -> Tensor:
        """Weigh the teachers on every row; override it for a weighting of your own.

        Args:
            teacher_logits: One [rows, outcomes] per teacher, in the outcomes that it shares with the student.
            labels: The rows' labels in each teacher's outcomes, -100 for none; None where the batch has no labels.
            available: Which teacher has which row; bool [teachers, rows].

        Returns:
            [teachers, rows], summing to 1 over the teachers that have the row and 0 for the others.
        """
        return self.objective.teacher_weights(teacher_logits, labels, available)

    def compute_distillation_loss(
        self, student_logits: Tensor, teacher_logits: Tensor, teacher_weights: Tensor
    ) -> Tensor:
        """Compute the soft loss of every row; override it for a divergence of your own.

        It is called once with all teachers where the ensemble is one distribution, and once per teacher (of weight 1)
        where it is `per_teacher`. Return values per row, not a mean: the trainer divides by the count of the step.

        Args:
            student_logits: [rows, outcomes].
            teacher_logits: [teachers, rows, outcomes].
            teacher_weights: [teachers, rows].

        Returns:
            [rows], T² included.
        """
        return self.objective.soft_loss(student_logits, teacher_logits, teacher_weights)

    # ---- Loss ----

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        """Return `soft + hard + hidden` loss, each a mean over its own rows of the whole optimizer step."""
        if self.objective is None:
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        counts = num_items_in_batch or self._get_num_items_in_batch([inputs], self.args.device)
        rows = self.objective.rows(inputs)
        outputs, logits = self._run_student(model, inputs, rows)
        follow = self.objective.needs_teachers
        values, _ = self.objective(inputs, rows, logits, outputs.hidden_states if follow else None, follow=follow)
        means = {name: each.values.sum() / counts[each.row_set] for name, each in values.items()}
        means = self.objective.with_hidden_loss(means)
        for name, mean in means.items():
            self._components[name] = self._components.get(name, 0) + mean.detach()
        # The ranks' gradients are averaged, but the counts are global: undo the division by the number of ranks.
        loss = self.objective.total(means) * self.accelerator.num_processes
        return (loss, outputs) if return_outputs else loss

    def _run_student(
        self, model: nn.Module, inputs: Mapping[str, Any], rows: Rows, full: bool = False
    ) -> tuple[Any, Tensor]:
        """Call the wrapped model and return its outputs and the logits of the rows; `full` keeps all in the outputs."""
        taken = {name: value for name, value in inputs.items() if name in self._student_inputs}
        with nullcontext() if self._head is None or full else self._head.select(rows.tokens):
            outputs = model(**taken, output_hidden_states=self.objective.hidden_loss is not None, return_dict=True)
        return outputs, rows_of_logits(outputs.logits, rows.tokens)

    def _get_num_items_in_batch(self, batch_samples: list[Any], device: torch.device) -> Any:
        """Count the rows of every row set over the step's batches and all ranks (`Trainer` counts labels only)."""
        if self.objective is None or not batch_samples:
            return super()._get_num_items_in_batch(batch_samples, device)
        counts: dict[str, int] = {}
        for inputs in batch_samples:
            for name, examples in self.objective.row_sets(inputs).items():
                counts[name] = counts.get(name, 0) + len(examples)
        totals = self.accelerator.reduce(torch.tensor([*counts.values()], device=device), "sum")
        return dict(zip(counts, totals.clamp(min=1), strict=True))

    # ---- Projections of hidden states: not the student's, so the Trainer does not know them ----

    @property
    def _projections(self) -> list[nn.Parameter]:
        return (
            []
            if self.objective is None or self.objective.hidden_loss is None
            else [*self.objective.hidden_loss.parameters()]
        )

    def create_optimizer(self, model: nn.Module | None = None) -> torch.optim.Optimizer:
        """Create the optimizer as `Trainer` does, and give it the projections too."""
        optimizer = super().create_optimizer(model)
        known = {id(weight) for group in optimizer.param_groups for weight in group["params"]}
        new = [weight for weight in self._projections if id(weight) not in known]
        if new:
            optimizer.add_param_group({"params": new, "weight_decay": self.args.weight_decay})
        return optimizer

    def training_step(self, model: nn.Module, inputs: dict[str, Any], num_items_in_batch: Any = None) -> Tensor:
        """Take a step as `Trainer` does, and average the projections' gradients over the ranks at its end."""
        loss = super().training_step(model, inputs, num_items_in_batch)
        if self._projections and self.accelerator.sync_gradients:
            for weight in self._projections:
                weight.grad = self.accelerator.reduce(weight.grad, "mean")
        return loss

    def _clip_grad_norm(self, model: nn.Module) -> Any:
        if not self._projections:
            return super()._clip_grad_norm(model)
        return self.accelerator.clip_grad_norm_([*model.parameters(), *self._projections], self.args.max_grad_norm)

    # ---- Checkpoints ----

    def _manifest(self) -> dict[str, Any]:
        names = ("teacher_weights", "teacher_weighting", "temperature", "ensemble", "layer_map")
        return {
            "teachers": self.objective.teachers.manifest(),
            "arguments": {name: getattr(self.args, name) for name in names},
        }

    def _save_optimizer_and_scheduler(self, output_dir: str) -> None:
        """Save what a resume needs; teachers and projections are no part of the student and stay out of its files."""
        super()._save_optimizer_and_scheduler(output_dir)
        if self.objective is not None and self.args.should_save:
            resume.save_manifest(output_dir, self._manifest())
            if self._projections:
                resume.save_projections(output_dir, self.objective.hidden_loss)

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        if self.objective is not None and checkpoint is not None:
            resume.check_manifest(checkpoint, self._manifest())
            if self._projections:
                resume.load_projections(checkpoint, self.objective.hidden_loss)
        super()._load_optimizer_and_scheduler(checkpoint)

    # ---- Data ----

    def _set_signature_columns_if_needed(self) -> None:
        first = self._signature_columns is None
        super()._set_signature_columns_if_needed()
        if first and self.objective is not None:
            self._signature_columns += self.multi_tokenizer.column_names

    def get_eval_dataloader(self, eval_dataset: Any = None) -> DataLoader:
        """Return `Trainer`'s, with masks that are the same in every evaluation."""
        with self._fixed_masks():
            return super().get_eval_dataloader(eval_dataset)

    def get_test_dataloader(self, test_dataset: Any) -> DataLoader:
        """Return `Trainer`'s, with masks that are the same in every evaluation."""
        with self._fixed_masks():
            return super().get_test_dataloader(test_dataset)

    @contextmanager
    def _fixed_masks(self) -> Iterator[None]:
        collator = self.data_collator
        if isinstance(collator, DataCollatorForDistillation):
            self.data_collator = collator.for_evaluation()
        try:
            yield
        finally:
            self.data_collator = collator

    # ---- Logs and evaluation ----

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Log what `Trainer` logs and, beside the loss, the mean of every component over the steps since the last log."""
        if self.objective is not None and "loss" in logs and self._components:
            totals = self.accelerator.reduce(torch.stack([*self._components.values()]), "sum") / self._steps_since_log
            logs |= dict(zip(self._components, totals.tolist(), strict=True))
            self.forget_components()
        super().log(logs, start_time)

    def forget_components(self) -> None:
        """Start the means of the logged components anew."""
        self._components, self._steps_since_log = {}, 0

    def begin_step(self) -> None:
        """Start an optimizer step: the `Trainer` zeroes the gradients of its model only."""
        self._steps_since_log += 1
        for weight in self._projections:
            weight.grad = None

    def prediction_step(
        self,
        model: nn.Module,
        inputs: dict[str, Any],
        prediction_loss_only: bool,
        ignore_keys: list[str] | None = None,
    ) -> tuple[Tensor | None, Tensor | None, Any]:
        """Return the hard loss, the student's logits and the labels; the teachers' part goes to the record."""
        if self.objective is None:
            return super().prediction_step(model, inputs, prediction_loss_only, ignore_keys)
        inputs = self._prepare_inputs(inputs)
        with torch.no_grad(), self.compute_loss_context_manager():
            rows = self.objective.rows(inputs)
            outputs, logits = self._run_student(model, inputs, rows, full=not prediction_loss_only)
            follow = self._record is not None and self.args.report_loyalty
            values, targets = self.objective(
                inputs, rows, logits, outputs.hidden_states if follow else None, follow=follow
            )
        if follow:
            self._record.add(inputs, values, targets)
        loss = values["hard_loss"].values.mean() if "hard_loss" in values else None
        if prediction_loss_only:
            return loss, None, None
        return loss, outputs.logits.detach(), inputs.get("labels")

    def evaluation_loop(self, *args: Any, metric_key_prefix: str = "eval", **kwargs: Any) -> EvalLoopOutput:
        """Evaluate as `Trainer` does; add the teachers' losses and the loyalty to each teacher and the ensemble."""
        if self.objective is None:
            return super().evaluation_loop(*args, metric_key_prefix=metric_key_prefix, **kwargs)
        self._record = EvaluationRecord(self.objective, self.accelerator.gather_for_metrics)
        output = super().evaluation_loop(*args, metric_key_prefix=metric_key_prefix, **kwargs)
        output.metrics.update({f"{metric_key_prefix}_{name}": value for name, value in self._record.metrics().items()})
        self._record = None
        return output
