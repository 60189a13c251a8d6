"""A `transformers.Trainer` whose student learns from one or many teachers."""

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from functools import cached_property, partial
from itertools import islice
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from transformers import PreTrainedModel, PreTrainedTokenizerFast, Trainer, TrainerCallback, TrainingArguments
from transformers.trainer_utils import EvalPrediction, default_compute_objective

from .collation.checked_labels import CheckedLabels
from .collation.choice import adds_inputs, check_columns, choose_collator
from .collation.data_collator import DataCollatorForDistillation
from .collation.readers import CheckedCollator, Reader, expect_dataset
from .collation.routing import Routed, expect_routes
from .collation.unknown_words import expect_known_words
from .hub.files import matching
from .hub.publishing import PublishingMixin
from .hub.push import repository_name
from .models.limits import Limits
from .models.outputs import predictions_of
from .models.row_forward import RowForward
from .models.task import compiled_in_place, task_of, without_adapters
from .models.trial import expect_readable, uses_every_weight
from .objective.aligned_teachers import AlignedTeachers, sources_of
from .objective.batch import Batch, WithRows
from .objective.calibration import calibrate
from .objective.components import detached
from .objective.evaluation import HARD_LOSS
from .objective.evaluation_mixin import EvaluationMixin, students_objective
from .objective.objective import SKIPPED, SOFT_AND_HARD, Computed, DistillationObjective, Hooks
from .objective.rows import MODEL_INPUTS, Rows, teacher_inputs
from .report.card_data import DistillationCardData
from .report.measured_run import NOT_EVALUATED, MeasuredRun
from .report.page.report import Report
from .teachers.ensemble import TeacherEnsemble
from .teachers.placement import Placement
from .tokenization.columns import TAUGHT_BY
from .tokenization.multi_tokenizer import MultiTokenizer
from .tokenization.settings import as_it_came, note_as_loaded
from .training.callback import DistillationCallback
from .training.card import card_data
from .training.checkpoint import MANIFEST, PROJECTIONS, check_manifest, save_manifest
from .training.checks import (
    Refusal,
    check_arguments,
    copies_without_waiting,
    datasets_of,
    expect_configuration,
    expect_no_tokenizer_anywhere,
    expect_whole_vocabulary,
    find_student_tokenizer,
    in_backward,
    mixed_precision,
    padding_multiple,
    refuse,
    refused_calibration,
    refused_losses,
    refused_override,
    refused_ways_to_run,
    set_problem_type,
    teacher_precision,
    use_one_gpu,
    warn_of_half_precision,
)
from .training.course import course_of
from .training.expected_outputs import ExpectedOutputs
from .training.finite_steps import FiniteSteps
from .training.keep_outputs import KeepOutputs, keeping_of
from .training.preflight.finding import Preflight
from .training.preflight.preflight import preflight
from .training.projections import ProjectionsMixin
from .training.sampling import seeded
from .training.saving import WholeCheckpointsMixin
from .training.speed import Speeds, or_nothing, speeds
from .training.streams import Filler, StreamsMixin


class MultiTeacherDistillationTrainer(
    EvaluationMixin, PublishingMixin, ProjectionsMixin, WholeCheckpointsMixin, StreamsMixin, Trainer
):
    """`transformers.Trainer` for a student that learns from one or many teachers.

    Each teacher reads the text through its own tokenizer. Every part of the loss is a mean over its own rows in the
    whole optimizer step, so accumulation, ranks and a resume change no number. Without teachers this is `Trainer`.

    Args:
        model: The student: masked-LM, token classification or sequence classification, PEFT-wrapped, compiled or not.
        args: `DistillationTrainingArguments`.
        data_collator: By default a `DataCollatorForDistillation` for the student's task.
        train_dataset: As in `Trainer`; encoded by `MultiTokenizer.encode`, or with the student's tokens alone. Where a
            column `taught_by` lists names of teachers, these alone speak about an example.
        eval_dataset: Likewise.
        processing_class: The student's tokenizer.
        model_init: As in `Trainer`.
        compute_loss_func: As in `Trainer`, without teachers only.
        compute_metrics: As in `Trainer`.
        callbacks: As in `Trainer`.
        optimizers: As in `Trainer`.
        optimizer_cls_and_kwargs: As in `Trainer`.
        preprocess_logits_for_metrics: As in `Trainer`.
        teachers: Ids, folders, models or `Teacher` objects, one or many; overrides `args.teachers`.

    Raises:
        TypeError: There are teachers and `args` are no `DistillationTrainingArguments`.
        ValueError: A teacher does not fit the student, or an option does not go with distillation.
    """

    multi_tokenizer: MultiTokenizer | None = None  # None where all read what somebody encoded elsewhere
    _objective: DistillationObjective | None = None  # None without teachers: then every override defers to Trainer
    _predicted: Mapping[str, Tensor] | None = None  # rows of every set where prediction_step calls compute_loss
    _readers: Sequence[Reader] = ()  # the student, then the teachers

    def __init__(
        self,
        model: PreTrainedModel | nn.Module | None = None,
        args: TrainingArguments | None = None,
        data_collator: Callable[[list[Any]], dict[str, Any]] | None = None,
        train_dataset: Any = None,
        eval_dataset: Any = None,
        processing_class: Any = None,
        model_init: Callable[..., PreTrainedModel] | None = None,
        compute_loss_func: Callable[..., Any] | None = None,
        compute_metrics: Callable[[EvalPrediction], dict[str, float]] | None = None,
        callbacks: list[TrainerCallback] | None = None,
        optimizers: tuple[Any, Any] = (None, None),
        optimizer_cls_and_kwargs: tuple[type[torch.optim.Optimizer], dict[str, Any]] | None = None,
        preprocess_logits_for_metrics: Callable[[Tensor, Tensor], Tensor] | None = None,
        *,
        teachers: Any = None,
    ) -> None:
        teachers = getattr(args, "teachers", None) if teachers is None else teachers
        none_given = teachers is None or (isinstance(teachers, list | tuple) and not teachers)
        if not none_given:
            self._has_teachers = True
            args = use_one_gpu(check_arguments(args))
            model = None if model is None else compiled_in_place(model)

        super().__init__(
            model,
            args,
            data_collator,
            train_dataset,
            eval_dataset,
            processing_class,
            model_init,
            compute_loss_func,
            compute_metrics,
            callbacks,
            optimizers,
            optimizer_cls_and_kwargs,
            preprocess_logits_for_metrics,
        )

        if self._has_teachers:
            self._set_up_teachers(teachers, data_collator)

    # ---- What a run with teachers is made of ----

    def create_accelerator_and_postprocess(self) -> None:
        """Set up accelerate as `Trainer` does; with teachers, batches go to a GPU while the host goes on."""
        super().create_accelerator_and_postprocess()
        if self._has_teachers and copies_without_waiting(self.args.device, pinned=self.args.dataloader_pin_memory):
            self.accelerator.dataloader_config.non_blocking = True

    def _set_up_teachers(self, teachers: Any, given_collator: Callable[[list[Any]], dict[str, Any]] | None) -> None:
        """Load the teachers and choose what reads the data for student and teachers."""
        # The Trainer then counts on compute_loss to have divided by the counts of the whole step, which it does.
        self.model_accepts_loss_kwargs = True
        self.label_names = ["labels"]  # Trainer reads them off the model's forward, where they need not be
        self._prepare_student()

        args = check_arguments(self.args)
        student = cast(nn.Module, self.model)
        warn_of_half_precision(student)
        tokenizer = find_student_tokenizer(self.processing_class, self.data_collator)
        self.processing_class = self.processing_class or tokenizer  # so that it is saved and pushed with the student
        note_as_loaded(tokenizer)

        self.teachers = self._load_teachers(teachers, tokenizer)
        self.multi_tokenizer = self._set_up_reading(tokenizer, given_collator)

        # Teachers' columns would be removed, and a BERT teacher's token_type_ids where the student is a DistilBERT.
        self._set_signature_columns_if_needed()
        columns = cast("list[str]", self._signature_columns)
        columns.extend([*MODEL_INPUTS, *self.label_names, TAUGHT_BY])
        columns.extend([] if self.multi_tokenizer is None else self.multi_tokenizer.column_names)

        self._callback = DistillationCallback(args.mask_rounds, counted=(SKIPPED,))
        self.add_callback(self._callback)
        self._finite_steps = FiniteSteps(
            self.teachers.names,
            at_once=self.is_deepspeed_enabled or in_backward(args),
            over_ranks=self._over_ranks if args.world_size > 1 else None,
        )
        self.add_callback(self._finite_steps)
        self._expected_outputs = ExpectedOutputs(self.teachers.kept, self._mask_rounds())
        if self.teachers.kept:
            self.add_callback(self._expected_outputs)
            self.add_callback(KeepOutputs(self.teachers.kept))
        self._follow_student()
        for reader in self._readers:
            if reader.source is None:
                columns.extend(reader.limits.inputs)

        if args.calibrate_teachers:
            self._calibrate_teachers()

    def _calibrate_teachers(self) -> None:
        """Calibrate the teachers on the evaluation set; the arguments that were given may serve other runs."""
        self.args = self.distillation_objective.args = copy(check_arguments(self.args))
        loaders = [self.get_eval_dataloader(data) for data in datasets_of(None, self.eval_dataset)]
        batches = (self._prepare_inputs(inputs) for loader in loaders for inputs in loader)
        calibrate(self.distillation_objective, batches, self.accelerator.gather_for_metrics)

    def _load_teachers(self, teachers: Any, tokenizer: PreTrainedTokenizerFast | None) -> TeacherEnsemble:
        """Load the teachers to where they run, in the precision in which they run."""
        args = check_arguments(self.args)
        runs_on = Placement.of(args.teacher_device, args.device).runs_on
        precision = teacher_precision(
            self.accelerator.mixed_precision, runs_on, asked_for=args.teacher_dtype is not None
        )

        return TeacherEnsemble.load(
            teachers,
            student=cast(nn.Module, self.model),
            student_tokenizer=tokenizer,
            dtype=args.teacher_dtype,
            device=args.device,
            teacher_device=args.teacher_device,
            default_dtype=precision.weights,
            mixed_precision=precision.autocast,
            keeping=keeping_of(args),
            partial_labels=args.partial_labels,
        )

    def _set_up_reading(
        self, tokenizer: PreTrainedTokenizerFast | None, given_collator: Callable[[list[Any]], dict[str, Any]] | None
    ) -> MultiTokenizer | None:
        """Choose the collator, and what knows who reads which encoding: None where nobody has a tokenizer."""
        data = [*datasets_of(self.train_dataset, self.eval_dataset)]
        if tokenizer is None:
            expect_no_tokenizer_anywhere(self.teachers.known_tokenizers, data)
            return None

        readers: Any = [tokenizer if each is None else each for each in self.teachers.tokenizers]
        multi_tokenizer = MultiTokenizer(tokenizer, readers)
        student = cast(nn.Module, self.model)
        if task_of(student).over_vocabulary or multi_tokenizer.distinct:
            expect_whole_vocabulary(student, tokenizer)

        self._choose_collator(given_collator, multi_tokenizer)
        for dataset in data:
            check_columns(dataset, multi_tokenizer)
        expect_known_words(self.train_dataset, tokenizer)
        return multi_tokenizer

    def _choose_collator(
        self, given: Callable[[list[Any]], dict[str, Any]] | None, multi_tokenizer: MultiTokenizer
    ) -> None:
        """Use the collator that is given, or ours in its place, or refuse it."""
        student = cast(nn.Module, self.model)
        limits = [Limits.of(student), *(teacher.row_forward.limits for teacher in self.teachers)]
        multiple = padding_multiple(
            self.args.device,
            mixed_precision(self.accelerator.mixed_precision),
            [each.positions for each in limits],
        )

        mlm = task_of(student).over_vocabulary
        self.data_collator = choose_collator(given, multi_tokenizer, self.args, mlm=mlm, pad_to_multiple_of=multiple)
        self._chosen_collator = self.data_collator

    def _prepare_student(self) -> None:
        """Fix what the student's labels mean, and refuse what would silently mean something else with teachers."""
        args = check_arguments(self.args)
        student = cast(nn.Module, self.model)

        expect_configuration(student)
        set_problem_type(student, datasets_of(self.train_dataset, self.eval_dataset))

        refuse(refused_losses(args, student, self.compute_loss_func))
        refuse(refused_calibration(args, self.eval_dataset))
        refuse(
            refused_ways_to_run(
                args,
                fsdp=getattr(self.accelerator.state, "fsdp_plugin", None),
                deepspeed=self.is_deepspeed_enabled,
                model_parallel=max(self.get_tp_size(), self.get_cp_size(), self.get_sp_size()) > 1,
                own_scheduler=self.lr_scheduler is not None,
            )
        )

    def _follow_student(self) -> None:
        """Set up what belongs to one student and one set of arguments; every trial of a search has its own."""
        args = check_arguments(self.args)
        student = cast(nn.Module, self.model)

        self._student_forward = RowForward(student, "the student")
        self.__dict__.pop("_speed", None)
        self._expect_readable(student)
        self._expect_data_to_be_readable()

        teachers = AlignedTeachers(student, self.teachers, self.multi_tokenizer, args.teacher_weights, args.device)
        self._objective = DistillationObjective(student, teachers, args)
        self._projections = self._objective.hidden_loss
        self._callback.left_out = self._left_out()
        self._expected_outputs.ask = self._objective.ask_teachers
        self._tell_ddp_what_is_used(student)

    def _tell_ddp_what_is_used(self, student: nn.Module) -> None:
        """Have DDP look for weights without a gradient in every step, as `Trainer` does, only where there are some."""
        args, ddp = check_arguments(self.args), self.accelerator.ddp_handler
        left_open = args.ddp_find_unused_parameters is None and args.world_size > 1
        over_logits = bool(args.soft_target_weight or args.hard_label_weight)

        if ddp is not None and left_open and over_logits and uses_every_weight(student, self._student_forward):
            ddp.find_unused_parameters = False

    def _mask_rounds(self) -> int | None:
        """Return in how many ways a text is masked; None for another one in every epoch."""
        over_vocabulary = task_of(cast(nn.Module, self.model)).over_vocabulary
        return check_arguments(self.args).mask_rounds if over_vocabulary else 1

    def _expect_readable(self, student: nn.Module) -> None:
        """Refuse models whose answers cannot be compared."""
        hidden = bool(check_arguments(self.args).hidden_state_weight)

        expect_readable(student, self._student_forward, hidden_states=hidden)
        for teacher in self.teachers:
            if not teacher.asleep:
                expect_readable(teacher.model, teacher.row_forward, hidden_states=hidden)

    def _expect_data_to_be_readable(self) -> None:
        """Cut what is still to be encoded to what the models can read, and refuse data that are encoded otherwise."""
        forwards = [self._student_forward, *(teacher.row_forward for teacher in self.teachers)]
        sources = [None, *sources_of(self.multi_tokenizer, len(self.teachers))]
        self._readers = [
            Reader(forward.title, source, forward.limits) for forward, source in zip(forwards, sources, strict=True)
        ]

        # A collator that was given has a MultiTokenizer of its own, which rebuilds what the teachers read.
        given = getattr(self.data_collator, "multi_tokenizer", self.multi_tokenizer)
        for multi_tokenizer in filter(None, (self.multi_tokenizer, given)):
            multi_tokenizer.max_lengths = [reader.limits.positions for reader in self._readers]
        for dataset in datasets_of(self.train_dataset, self.eval_dataset):
            expect_dataset(self._readers, dataset, only_its_columns=not adds_inputs(self.data_collator))
            expect_routes(dataset, self.teachers.names)

    def call_model_init(self, trial: Any = None) -> nn.Module:
        """Make a student as `Trainer` does."""
        model = super().call_model_init(trial)
        return compiled_in_place(model) if self._has_teachers else model

    def _hp_search_setup(self, trial: Any) -> None:
        """Set up a trial as `Trainer` does; it has another student and other arguments."""
        super()._hp_search_setup(trial)
        if self._objective is not None and getattr(self, "compute_objective", None) is default_compute_objective:
            self.compute_objective = students_objective
        if self._objective is not None and self.model_init is not None:
            self._prepare_student()
            self._follow_student()

    @property
    def distillation_objective(self) -> DistillationObjective:
        """What a run with teachers optimizes (`Trainer` itself keeps a search's figure in `objective`)."""
        if self._objective is None:
            raise ValueError("MultiTeacherDistillationTrainer has no teachers, so its only objective is Trainer's.")
        return self._objective

    def preflight(self) -> Preflight:
        """Look at everything before the training: teachers, text, a few timed steps, memory, time and disk.

        The student, its arguments, output folder, cache and random numbers stay as they are.

        Returns:
            A `Finding` for each thing that was looked at; to be printed, or written as JSON by its `write`.

        Raises:
            ValueError: There is no training data, or this is one of several processes.
        """
        return preflight(self)

    # ---- What subclasses may override ----

    def compute_teacher_weights(
        self, teacher_logits: list[Tensor], labels: list[Tensor] | None, available: Tensor
    ) -> Tensor:
        """Weigh the teachers on every row; override it for a weighting of your own.

        Args:
            teacher_logits: One [rows, outcomes] per teacher, in the outcomes that it shares with the student.
            labels: One [rows] per teacher, in its outcomes, -100 for none; None where the batch has no labels.
            available: Which teacher has which row and a weight above 0; bool [teachers, rows].

        Returns:
            [teachers, rows], summing to 1 over the teachers that are available and 0 for the others.
        """
        return self.distillation_objective.weighting(teacher_logits, labels, available)

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

    def compute_hard_loss(self, student_logits: Tensor, labels: Tensor) -> Tensor:
        """Compute the loss against the label of every row; override it for class weights, a focal loss and the like.

        It is the hard loss in training and, its mean over all rows, `eval_loss`. Return values per row, not a mean:
        the trainer divides by the count of the step.

        `label_smoothing_factor` is a part of it, which an override does without unless it calls `super()`.

        Args:
            student_logits: [rows, classes]; of labelled rows alone.
            labels: [rows], or [rows, labels] in a multi-label task or a regression.

        Returns:
            [rows].
        """
        return self.distillation_objective.hard_loss(student_logits, labels)

    # ---- Loss: sums of values per row over counts of the whole step, never the model's own loss ----

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Tensor | Any],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Any:
        """Return `soft + hard + hidden` loss, each a mean over its own rows of the whole optimizer step.

        Called by an override in an evaluation, it is the hard loss alone, as `eval_loss` is without the override.
        With `return_outputs` the outputs hold the logits of all tokens, not of the rows alone. `num_items_in_batch` is
        for overrides, the labelled rows of the step as in `Trainer`; a step's counts of all sets are known here.
        """
        if self._objective is None:
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)

        predicting = self._predicted is not None
        counts = self._predicted or self._callback.counts or self._count([inputs])

        with_teachers = self._objective.needs_teachers and not predicting
        outputs, _, computed = self._run(
            model, inputs, with_teachers=with_teachers, full=return_outputs, counts=counts
        )
        means = self._objective.means(computed.components, counts)
        if isinstance(inputs, Filler):
            means = {name: 0 * mean for name, mean in means.items()}

        if predicting:
            total = means.get(HARD_LOSS, torch.zeros((), device=self.args.device))
        else:
            total = self._objective.total(means)
            self._callback.latest = {name: mean for name, mean in means.items() if name != SOFT_AND_HARD}
            look = partial(self._objective.not_finite, inputs, detached(computed.components))
            self._finite_steps.add(computed.faulty, total, look, last=self.accelerator.sync_gradients)

        # The ranks' gradients are averaged, but the counts are global: undo the division by the number of ranks.
        loss = total * self.accelerator.num_processes
        return (loss, outputs) if return_outputs else loss

    def training_step(
        self,
        model: nn.Module,
        inputs: dict[str, Tensor | Any],
        num_items_in_batch: Tensor | int | None = None,
    ) -> Tensor:
        """Take a step as `Trainer` does, and look at what an override of `compute_loss` has made of the loss."""
        loss = super().training_step(model, inputs, num_items_in_batch)
        if self._objective is not None and self._has_own_loss:
            self._finite_steps.add_loss(loss, last=self.accelerator.sync_gradients)
        return loss

    def _run(
        self,
        model: nn.Module,
        inputs: dict[str, Tensor | Any],
        *,
        with_teachers: bool,
        full: bool,
        hidden_states: bool = False,
        counts: Mapping[str, Tensor] | None = None,
    ) -> tuple[Any, Rows, Computed]:
        """Run the student, and with it the teachers, on a batch.

        Args:
            model: The student as `Trainer` has wrapped it.
            inputs: The batch.
            with_teachers: Whether the teachers take part; without them the labels speak alone.
            full: Whether the outputs hold the logits of all tokens.
            hidden_states: Whether they hold the hidden states too; where the objective compares these they do.
            counts: The rows of every set in the whole step, in training.

        Returns:
            The student's outputs, the batch's rows, and what the objective says of them.
        """
        objective = self.distillation_objective
        rows = objective.rows(inputs)

        wanted = hidden_states or (with_teachers and objective.hidden_loss is not None)
        outputs, logits, states = self._student_forward(
            model, inputs, rows.tokens, index=rows.index, output_hidden_states=wanted, full=full
        )

        computed = objective(
            inputs, rows, logits, states, with_teachers=with_teachers, hooks=self._hooks(), counts=counts
        )
        return outputs, rows, computed

    def _hooks(self) -> Hooks:
        """Gather what somebody has overridden, in a subclass, in the class or on this trainer."""
        return Hooks(
            weigh=self._overridden(self.compute_teacher_weights, _OWN_WEIGHTS),
            soft_loss=self._overridden(self.compute_distillation_loss, _OWN_SOFT_LOSS),
            hard_loss=self._overridden(self.compute_hard_loss, _OWN_HARD_LOSS),
        )

    @staticmethod
    def _overridden(method: Any, own: Any) -> Any:
        """Return a method, or None where it is the one of this class."""
        return None if getattr(method, "__func__", None) is own else method

    @property
    def _has_own_loss(self) -> bool:
        """Whether somebody has overridden `compute_loss`, which `Trainer` calls in evaluation too."""
        return self._overridden(self.compute_loss, _OWN_LOSS) is not None

    def _left_out(self) -> list[Refusal]:
        """Say what is wrong where nobody calls `compute_loss` in a step, so that no teacher takes part."""
        own = type(self).training_step is not MultiTeacherDistillationTrainer.training_step
        method = "training_step" if own and not self._has_own_loss else "compute_loss"

        needs_teachers = self.distillation_objective.needs_teachers
        return [*refused_override(type(self), method, self.teachers.names, needs_teachers=needs_teachers)]

    def _prepare_inputs(self, inputs: dict[str, Tensor | Any]) -> dict[str, Tensor | Any]:
        """Bring a batch to the device as `Trainer` does, which makes another dict of it, and its rows with it."""
        prepared = super()._prepare_inputs(inputs)
        if not isinstance(inputs, Batch):
            return prepared

        return inputs.each(lambda tensor: tensor.to(self.args.device), prepared)

    def _get_num_items_in_batch(self, batch_samples: list, device: torch.device) -> Any:
        """Count the labelled rows of a step, for overrides, as `Trainer` does; keep what `compute_loss` divides by."""
        if self._objective is None or not batch_samples:
            return super()._get_num_items_in_batch(batch_samples, device)

        self._callback.counts = self._count(batch_samples)
        return self._callback.counts["hard"]

    def _count(self, batches: Sequence[dict[str, Any]]) -> dict[str, Tensor]:
        """Count the rows of every set over the batches of a step and all ranks."""
        objective = self.distillation_objective
        counts = objective.count(batches)
        nothing = objective.count(inputs for inputs in batches if isinstance(inputs, Filler))

        own = torch.tensor([count - nothing.get(name, 0) for name, count in counts.items()])
        own = own.pin_memory() if self.args.device.type == "cuda" else own
        totals = self.accelerator.reduce(own.to(self.args.device, non_blocking=True), "sum")
        return dict(zip(counts, totals.clamp(min=1), strict=True))

    # ---- Checkpoints: they tell who taught, and a resume makes sure that it is still the same ----

    def _save(self, output_dir: str | None = None, state_dict: dict | None = None) -> None:
        """Save the student as `Trainer` does, its tokenizer without traces of the run, and beside it who taught it."""
        tokenizer = None if self.multi_tokenizer is None else self.multi_tokenizer.student_tokenizer
        with as_it_came(tokenizer):
            super()._save(output_dir, state_dict)

        if self._objective is not None and self.args.should_save:
            save_manifest(output_dir or cast(str, self.args.output_dir), self._manifest(self._objective))

    def _manifest(self, objective: DistillationObjective) -> dict[str, Any]:
        """Tell what a resume must find again: teachers, objective, examples and optimizer."""
        columns = cast("list[str]", self._signature_columns)
        return objective.manifest() | {"training": course_of(self.args, self.train_dataset, columns)}

    def check_checkpoint(self, checkpoint: str) -> None:
        """Refuse to continue a checkpoint of other teachers, another objective, other examples or another optimizer.

        A resume does so by itself; before it, this saves the time until then.

        Args:
            checkpoint: Its folder.

        Raises:
            ValueError: Something differs; the message lists every difference.
        """
        check_manifest(checkpoint, self._manifest(self.distillation_objective))

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        """Load what a resume needs, after making sure that it continues the same training."""
        if self._objective is not None and checkpoint is not None:
            self.check_checkpoint(checkpoint)
        super()._load_optimizer_and_scheduler(checkpoint)

    # ---- The Hub: what a reader needs, in one commit, where `Trainer` uploads its whole output folder ----

    _more_checkpoint_files = (MANIFEST, PROJECTIONS)

    def card_data(self, model_name: str | None = None, **card: Any) -> DistillationCardData:
        """Gather what `create_model_card` writes.

        Args:
            model_name: By default the last part of `hub_model_id` or `output_dir`; told from a teacher's of that name.
            **card: The other arguments of `create_model_card`.
        """
        name = model_name or repository_name(self.args).split("/")[-1]
        gathered: dict[str, Any] = {
            "objective": self.distillation_objective.manifest()["arguments"],
            "in_training": self.is_in_train,
            "speed": [] if self.is_in_train else self._speed,
            "pairs": self._reads_pairs(),
            "model_name": f"{name} (student)" if name in self.teachers.names else name,
            "repo_id": self.hub_model_id or self.args.hub_model_id or name,
        }

        return card_data(cast(nn.Module, self.model), self.args, self.state, self.teachers, **gathered | card)

    def report(self, **card: Any) -> Report:
        """Make a page of what was measured; `save("report.html")` writes it, and a notebook shows it.

        Args:
            **card: The arguments of `create_model_card`.

        Raises:
            ValueError: There are no teachers.
        """
        data, answers = self.card_data(**card), self.compared_answers()
        return Report([MeasuredRun(data, answers, "" if answers else NOT_EVALUATED)])

    @cached_property
    def _speed(self) -> Speeds:
        """How fast the student and each teacher are; empty where nobody asked, or that cannot be measured.

        One rank writes the card, and cannot run a student that is sharded over all of them.
        """
        data = [*datasets_of(None, self.eval_dataset), *datasets_of(self.train_dataset, None)]
        if not check_arguments(self.args).report_speed or not data or self.is_fsdp_enabled:
            return []

        return or_nothing(partial(self._measure_speed, data))

    def _measure_speed(self, data: Sequence[Any]) -> Speeds:
        evaluating = getattr(self.data_collator, "for_evaluation", lambda: self.data_collator)()
        collate = self._get_collator_with_removed_columns(Routed(evaluating, self.teachers.names), "evaluation")
        inputs = self._prepare_inputs(collate([*islice(data[0], self.args.eval_batch_size)]))
        read = [teacher_inputs(inputs, source) for source in (None, *self.distillation_objective.teachers.sources)]
        with self.accelerator.autocast():
            return speeds(cast(nn.Module, self.model), self._student_forward, self.teachers, read)

    def _save_asked_for(self, folder: str, also: Sequence[str]) -> None:
        if matching([PROJECTIONS], also):
            self.save_projections(folder)

    # ---- Logs and evaluation ----

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Log what `Trainer` logs and, beside the loss, every component's mean over the steps since the last log."""
        if self._objective is not None and "loss" in logs:
            logs |= self._callback.take_means(self._over_ranks)
        super().log(logs, start_time)

    def _get_train_sampler(self, train_dataset: Dataset | None = None) -> torch.utils.data.Sampler | None:
        """Sample as `Trainer` does; with `group_by_length` in an order that every rank and a resume find again."""
        sampler = super()._get_train_sampler(train_dataset)
        if self._objective is None:
            return sampler

        return seeded(sampler, self.args.seed if self.args.data_seed is None else self.args.data_seed)

    def _get_dataloader(
        self,
        dataset: Dataset,
        description: str,
        batch_size: int,
        sampler_fn: Callable[[Dataset], torch.utils.data.Sampler] | None = None,
        is_training: bool = False,
        dataloader_key: str | None = None,
    ) -> DataLoader:
        """Evaluate on fixed masks, and in the data set's order, which `group_by_length` would change in `predict`."""
        make = partial(super()._get_dataloader, dataset, description, batch_size)
        if self._objective is None:
            return make(sampler_fn, is_training, dataloader_key)

        if self.multi_tokenizer is not None:
            # Both may have been exchanged since the trainer was made.
            if self.data_collator is not self._chosen_collator:
                self._choose_collator(self.data_collator, self.multi_tokenizer)
            check_columns(dataset, self.multi_tokenizer)

        collator = chosen = self.data_collator
        if is_training:
            self._callback.collator = collator
        elif isinstance(collator, DataCollatorForDistillation):
            chosen = collator.for_evaluation()

        routed = Routed(chosen, self.teachers.names)
        self.data_collator = CheckedCollator(self._with_checked_labels(routed), self._readers)
        if is_training:
            self.data_collator = WithRows(self.data_collator, self._objective.finder)
        try:
            return make(sampler_fn if is_training else None, is_training, dataloader_key)
        finally:
            self.data_collator = collator

    def _with_checked_labels(self, collator: Any) -> Any:
        """Have a collator refuse labels that the head cannot learn from; in masked-LM they are the text itself."""
        student, problem = cast(nn.Module, self.model), self.distillation_objective.problem
        task = task_of(student)
        if task.over_vocabulary:
            return collator

        return CheckedLabels(collator, problem, without_adapters(student).config.num_labels or 0, task.token_level)

    def prediction_step(
        self,
        model: nn.Module,
        inputs: dict[str, Tensor | Any],
        prediction_loss_only: bool,
        ignore_keys: list[str] | None = None,
    ) -> tuple[Tensor | None, Tensor | None, Any]:
        """Return the hard loss, the student's outputs and the labels; what the teachers say goes to the record.

        An override of `compute_loss` says what the loss is, as in `Trainer`.
        """
        if self._objective is None:
            return super().prediction_step(model, inputs, prediction_loss_only, ignore_keys)

        objective, record = self._objective, self._record
        inputs = self._prepare_inputs(inputs)
        recorded = record is not None and objective.args.report_loyalty and objective.has_rows(inputs)
        config = without_adapters(cast(nn.Module, self.model)).config
        asked_for = not prediction_loss_only and bool(getattr(config, "output_hidden_states", False))

        with torch.no_grad(), self.compute_loss_context_manager():
            outputs, rows, computed = self._run(
                model, inputs, with_teachers=recorded, full=not prediction_loss_only, hidden_states=asked_for
            )

        if record is not None:
            record.add(inputs, rows, computed.components, computed.targets)

        # Every rank must give a loss where there are labels, also where its own batch has no labelled row.
        hard = computed.components.get(HARD_LOSS)
        loss = None if hard is None else hard.values.sum() / max(len(hard.values), 1)
        if loss is not None and self._has_own_loss:
            loss, outputs = self._own_loss(model, inputs)

        if prediction_loss_only:
            return loss, None, None

        predictions = predictions_of(outputs, ignore_keys, config, hidden_states=asked_for)
        if record is not None:
            record.add_answers(inputs, rows, computed.targets, predictions)
        return loss, predictions, inputs.get("labels")

    def _own_loss(self, model: nn.Module, inputs: dict[str, Tensor | Any]) -> tuple[Tensor, Any]:
        """Call an override of `compute_loss` as `Trainer` does; by itself, so that the record has each batch once."""
        self._predicted = self._count([inputs])
        try:
            with torch.no_grad(), self.compute_loss_context_manager():
                loss, outputs = self.compute_loss(
                    model, {**inputs}, return_outputs=True, num_items_in_batch=self._predicted["hard"]
                )
        finally:
            self._predicted = None

        return loss.detach().mean(), outputs


# A script may put its own into the class.
_OWN_LOSS = MultiTeacherDistillationTrainer.compute_loss
_OWN_WEIGHTS = MultiTeacherDistillationTrainer.compute_teacher_weights
_OWN_SOFT_LOSS = MultiTeacherDistillationTrainer.compute_distillation_loss
_OWN_HARD_LOSS = MultiTeacherDistillationTrainer.compute_hard_loss
