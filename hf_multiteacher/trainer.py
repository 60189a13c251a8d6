"""A `transformers.Trainer` whose student learns from one or many teachers."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, cast
from weakref import proxy

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader
from transformers import Trainer, TrainingArguments
from transformers.trainer_utils import EvalLoopOutput

from .collation.choice import check_columns, choose_collator
from .collation.data_collator import DataCollatorForDistillation
from .hub.files import matching
from .hub.publishing import PublishingMixin
from .hub.push import repository_name
from .models.row_forward import StudentForward
from .models.task import task_of
from .objective.aligned_teachers import TeacherPanel
from .objective.evaluation import EvaluationRecord
from .objective.objective import DistillationObjective
from .objective.rows import MODEL_INPUTS
from .report.card_data import DistillationCardData
from .teachers.ensemble import TeacherEnsemble
from .tokenization.multi_tokenizer import MultiTokenizer
from .training import checkpoint as resume
from .training.callback import StepKeeper
from .training.card import card_data
from .training.checks import check_arguments, datasets_of, find_student_tokenizer, prepare_student, use_one_gpu


class MultiTeacherDistillationTrainer(PublishingMixin, Trainer):
    """`transformers.Trainer` for a student that learns from one or many teachers.

    Each teacher reads the text through its own tokenizer. Every part of the loss is a mean over its own rows in the
    whole optimizer step, so accumulation, ranks and a resume change no number. Without teachers this is `Trainer`.

    Args:
        model: The student: masked-LM, token classification or sequence classification, PEFT-wrapped or not.
        args: `DistillationTrainingArguments`.
        data_collator: By default a `DataCollatorForDistillation` for the student's task.
        trainer_args, trainer_kwargs: The rest of `Trainer`'s arguments; `processing_class` is the student's tokenizer.
        teachers: Ids, folders, models or `Teacher` objects, one or many; overrides `args.teachers`.

    Raises:
        TypeError: There are teachers and `args` are no `DistillationTrainingArguments`.
        ValueError: A teacher does not fit the student, or an option does not go with distillation.
    """

    _objective: DistillationObjective | None = None  # None without teachers: then every override defers to Trainer

    def __init__(
        self,
        model: nn.Module | None = None,
        args: TrainingArguments | None = None,
        data_collator: Callable[[list[Any]], dict[str, Any]] | None = None,
        *trainer_args: Any,
        teachers: Any = None,
        **trainer_kwargs: Any,
    ) -> None:
        teachers = getattr(args, "teachers", None) if teachers is None else teachers
        if teachers is None or (isinstance(teachers, list | tuple) and not teachers):
            super().__init__(model, args, data_collator, *trainer_args, **trainer_kwargs)
            return
        args = use_one_gpu(check_arguments(args))
        self._has_teachers = True
        super().__init__(model, args, data_collator, *trainer_args, **trainer_kwargs)
        # The Trainer then counts on compute_loss to have divided by the counts of the whole step, which it does.
        self.model_accepts_loss_kwargs = True
        prepare_student(self)
        student, tokenizer = cast(nn.Module, self.model), find_student_tokenizer(self)
        self.processing_class = self.processing_class or tokenizer  # so that it is saved and pushed with the student
        self.teachers = TeacherEnsemble.load(
            teachers, student=student, student_tokenizer=tokenizer, dtype=args.teacher_dtype, device=args.device
        )
        readers: Any = [tokenizer if each is None else each for each in self.teachers.tokenizers]
        self.multi_tokenizer = MultiTokenizer(tokenizer, readers)
        mlm = task_of(student).over_vocabulary
        self.data_collator = choose_collator(data_collator, self.multi_tokenizer, args, mlm=mlm)
        for dataset in datasets_of(self):
            check_columns(dataset, self.multi_tokenizer)
        # Teachers' columns would be removed, and a BERT teacher's token_type_ids where the student is a DistilBERT.
        self._set_signature_columns_if_needed()
        cast("list[str]", self._signature_columns).extend([*MODEL_INPUTS, *self.multi_tokenizer.column_names])
        # A proxy, so that a trainer that is no longer used frees its models and workers at once.
        self._keeper = StepKeeper(proxy(self))
        self.add_callback(self._keeper)
        self._record: EvaluationRecord | None = None
        self._follow_student()

    def _follow_student(self) -> None:
        """Set up what belongs to one student and one set of arguments; every trial of a search has its own."""
        args, student = check_arguments(self.args), cast(nn.Module, self.model)
        self._student_forward = StudentForward(student)
        panel = TeacherPanel(student, self.teachers, self.multi_tokenizer, args.teacher_weights, args.device)
        self._objective = DistillationObjective(student, panel, args, proxy(self))

    def _hp_search_setup(self, trial: Any) -> None:
        """Set up a trial as `Trainer` does; it has another student and other arguments."""
        super()._hp_search_setup(trial)
        if self._objective is not None and self.model_init is not None:
            prepare_student(self)
            self._follow_student()

    @property
    def distillation_objective(self) -> DistillationObjective:
        """What a run with teachers optimizes (`Trainer` itself keeps a search's figure in `objective`)."""
        if self._objective is None:
            raise ValueError("MultiTeacherDistillationTrainer has no teachers, so its only objective is Trainer's.")
        return self._objective

    # ---- What subclasses may override ----

    def compute_teacher_weights(
        self, teacher_logits: list[Tensor], labels: list[Tensor] | None, available: Tensor
    ) -> Tensor:
        """Weigh the teachers on every row; override it for a weighting of your own.

        Args:
            teacher_logits: One [rows, outcomes] per teacher, in the outcomes that it shares with the student.
            labels: The rows' labels in each teacher's outcomes, -100 for none; None where the batch has no labels.
            available: Which teacher has which row and a weight above 0; bool [teachers, rows].

        Returns:
            [teachers, rows], summing to 1 over the teachers that are available and 0 for the others.
        """
        return self.distillation_objective.teacher_weights(teacher_logits, labels, available)

    def compute_distillation_loss(
        self, student_logits: Tensor, teacher_logits: Tensor, teacher_weights: Tensor
    ) -> Tensor:
        """Compute the soft loss of every row; override it for a divergence of your own.

        It is called once with all teachers where the ensemble is one distribution, and for every teacher alone (with
        weight 1, on the rows that it has), for the loss where the ensemble is `per_teacher` and for the logs. Return
        values per row, not a mean: the trainer divides by the count of the step.

        Args:
            student_logits: [rows, outcomes].
            teacher_logits: [teachers, rows, outcomes].
            teacher_weights: [teachers, rows].

        Returns:
            [rows], T² included.
        """
        return self.distillation_objective.soft_loss(student_logits, teacher_logits, teacher_weights)

    # ---- Loss: sums of values per row over counts of the whole step, never the model's own loss ----

    def compute_loss(
        self, model: nn.Module, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Return `soft + hard + hidden` loss, each a mean over its own rows of the whole optimizer step."""
        if self._objective is None:
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        objective = self._objective
        counts = num_items_in_batch or self._get_num_items_in_batch([inputs], self.args.device)
        rows, hidden = objective.rows(inputs), objective.hidden_loss is not None
        outputs, logits = self._student_forward(model, inputs, rows, output_hidden_states=hidden)
        values, _ = objective(inputs, rows, logits, outputs.hidden_states, follow=objective.needs_teachers)
        means = objective.means(values, counts)
        self._keeper.add(means)
        # The ranks' gradients are averaged, but the counts are global: undo the division by the number of ranks.
        loss = objective.total(means) * self.accelerator.num_processes
        return (loss, outputs) if return_outputs else loss

    def _get_num_items_in_batch(self, batch_samples: list[Any], device: torch.device) -> Any:
        """Count the rows of every set over the step's batches and all ranks, where `Trainer` counts labels only."""
        if self._objective is None or not batch_samples:
            return super()._get_num_items_in_batch(batch_samples, device)
        counts = self._objective.count(batch_samples)
        totals = self.accelerator.reduce(torch.stack([*counts.values()]).to(device), "sum")
        return dict(zip(counts, totals.clamp(min=1), strict=True))

    # ---- Projections of hidden states: not the student's, so the Trainer does not know them ----

    @property
    def projections(self) -> list[nn.Parameter]:
        """The weights that bring the student's hidden states to the teachers' sizes; trained with the student."""
        hidden_loss = None if self._objective is None else self._objective.hidden_loss
        return [] if hidden_loss is None else [*hidden_loss.parameters()]

    def create_optimizer(self, model: nn.Module | None = None) -> torch.optim.Optimizer:
        """Create the optimizer as `Trainer` does, and give it the projections too."""
        optimizer = super().create_optimizer(model)
        known = {id(weight) for group in optimizer.param_groups for weight in group["params"]}
        if new := [weight for weight in self.projections if id(weight) not in known]:
            optimizer.add_param_group({"params": new, "weight_decay": self.args.weight_decay})
        return optimizer

    def training_step(self, model: nn.Module, inputs: dict[str, Any], num_items_in_batch: Any = None) -> Tensor:
        """Take a step as `Trainer` does, and at its end do for the projections what DDP does for the student."""
        loss = super().training_step(model, inputs, num_items_in_batch)
        for weight in self.projections if self.accelerator.sync_gradients else []:
            weight.grad = self.accelerator.reduce(weight.grad, "mean")
        return loss

    def _clip_grad_norm(self, model: nn.Module) -> Any:
        """Clip the gradients of student and projections together."""
        if not self.projections:
            return super()._clip_grad_norm(model)
        return self.accelerator.clip_grad_norm_([*model.parameters(), *self.projections], self.args.max_grad_norm)

    # ---- Checkpoints: teachers and projections are no part of the student and stay out of its files ----

    def _save(self, output_dir: str | None = None, state_dict: dict[str, Any] | None = None) -> None:
        """Save the student as `Trainer` does, and beside it who taught it."""
        super()._save(output_dir, state_dict)
        if self._objective is not None and self.args.should_save:
            resume.save_manifest(output_dir or cast(str, self.args.output_dir), self._objective.manifest())

    def _save_optimizer_and_scheduler(self, output_dir: str) -> None:
        super()._save_optimizer_and_scheduler(output_dir)
        if self._objective is not None and self.args.should_save:
            resume.save_projections(output_dir, self._objective.hidden_loss)

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        """Load what a resume needs, after making sure that it continues the same objective."""
        if self._objective is not None and checkpoint is not None:
            resume.check_manifest(checkpoint, self._objective.manifest())
            resume.load_projections(checkpoint, self._objective.hidden_loss)
        super()._load_optimizer_and_scheduler(checkpoint)

    # ---- The Hub: what a reader needs, in one commit, where `Trainer` uploads its whole output folder ----

    _more_checkpoint_files = (resume.MANIFEST, resume.PROJECTIONS)

    def card_data(self, model_name: str | None = None, **card: Any) -> DistillationCardData:
        """Gather what `create_model_card` writes.

        Args:
            model_name: By default the last part of `hub_model_id` or `output_dir`.
            **card: The other arguments of `create_model_card`.
        """
        name = model_name or repository_name(self.args).split("/")[-1]
        gathered: dict[str, Any] = {
            "objective": self.distillation_objective.manifest()["arguments"],
            "in_training": self.is_in_train,
            "model_name": name,
            "repo_id": self.hub_model_id or self.args.hub_model_id or name,
        }
        return card_data(cast(nn.Module, self.model), self.args, self.state, self.teachers, **gathered | card)

    def _save_asked_for(self, folder: str, also: Sequence[str]) -> None:
        if matching([resume.PROJECTIONS], also):
            resume.save_projections(folder, self.distillation_objective.hidden_loss)

    # ---- Logs and evaluation ----

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Log what `Trainer` logs and, beside the loss, every component's mean over the steps since the last log."""
        if self._objective is not None and "loss" in logs:
            logs |= self._keeper.take_means(partial(self.accelerator.reduce, reduction="sum"))
        super().log(logs, start_time)

    def _get_dataloader(self, *args: Any, **kwargs: Any) -> DataLoader:
        """Evaluate on fixed masks, and in the data set's order, which `group_by_length` would change in `predict`."""
        collator = self.data_collator
        if self._objective is None or kwargs.get("is_training"):
            return super()._get_dataloader(*args, **kwargs)
        if isinstance(collator, DataCollatorForDistillation):
            self.data_collator = collator.for_evaluation()
        try:
            return super()._get_dataloader(*args, **kwargs | {"sampler_fn": None})
        finally:
            self.data_collator = collator

    def prediction_step(
        self,
        model: nn.Module,
        inputs: dict[str, Any],
        prediction_loss_only: bool,
        ignore_keys: list[str] | None = None,
    ) -> tuple[Tensor | None, Tensor | None, Any]:
        """Return the hard loss, the student's logits and the labels; what the teachers say goes to the record."""
        if self._objective is None:
            return super().prediction_step(model, inputs, prediction_loss_only, ignore_keys)
        objective, inputs = self._objective, self._prepare_inputs(inputs)
        follow = self._record is not None and objective.args.report_loyalty and objective.has_rows(inputs)
        hidden = follow and objective.hidden_loss is not None
        with torch.no_grad(), self.compute_loss_context_manager():
            rows = objective.rows(inputs)
            outputs, logits = self._student_forward(
                model, inputs, rows, output_hidden_states=hidden, full=not prediction_loss_only
            )
            values, targets = objective(inputs, rows, logits, outputs.hidden_states if hidden else None, follow=follow)
        if self._record is not None and targets is not None:
            self._record.add(inputs, rows, values, targets)
        loss = values["hard_loss"].values.mean() if "hard_loss" in values else None
        return (loss, None, None) if prediction_loss_only else (loss, outputs.logits.detach(), inputs.get("labels"))

    def evaluation_loop(
        self,
        dataloader: DataLoader,
        description: str,
        prediction_loss_only: bool | None = None,
        ignore_keys: list[str] | None = None,
        metric_key_prefix: str = "eval",
    ) -> EvalLoopOutput:
        """Evaluate as `Trainer` does; add the teachers' losses and the loyalty to each teacher and the ensemble."""
        if self._objective is not None:
            self._record = EvaluationRecord(self._objective, self.accelerator.gather_for_metrics)
        output = super().evaluation_loop(dataloader, description, prediction_loss_only, ignore_keys, metric_key_prefix)
        if self._objective is not None and self._record is not None and output.metrics is not None:
            output.metrics.update({f"{metric_key_prefix}_{key}": each for key, each in self._record.metrics().items()})
            self._record = None
        return output
