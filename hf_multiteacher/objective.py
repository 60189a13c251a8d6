"""The objective of a distillation run: from a batch and the student's outputs to one value per row and component."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from . import functional
from .heads import rows_of_logits, task_of, without_adapters
from .losses import (
    HardLabelLoss,
    HiddenStateLoss,
    SoftTargetLoss,
    gold_error,
    prediction_entropy,
    shared_spans,
    token_spans,
)
from .rows import TeacherRows, real_tokens, row_examples, teacher_inputs, teacher_rows, token_rows
from .teachers import TeacherEnsemble
from .tokenization import MultiTokenizer
from .training_args import DistillationTrainingArguments
from .vocabulary import SharedVocabulary

Inputs = Mapping[str, Tensor]
WeighTeachers = Callable[[list[Tensor], "list[Tensor] | None", Tensor], Tensor]
DistillationLoss = Callable[[Tensor, Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Values:
    """One value per row of a row set; their sum divided by the set's global count is the mean of a component."""

    values: Tensor
    row_set: str


@dataclass(frozen=True)
class Rows:
    """The rows of one batch: which tokens they are (None: examples), their labels, and which teacher has which."""

    tokens: Tensor | None
    examples: Tensor
    labels: Tensor | None
    matched: list[TeacherRows]

    @property
    def available(self) -> Tensor:
        """Which teacher has which row; bool [teachers, rows]."""
        return torch.stack([rows.available for rows in self.matched])


@dataclass(frozen=True)
class SoftTargets:
    """What student and teachers say on the student's rows, for each teacher in the outcomes that the two share.

    Args:
        student_logits: Logits or coarsened log-probabilities; one [rows, outcomes] per teacher.
        teacher_logits: Likewise; zeros where a teacher does not have the row.
        available: Which teacher has which row; bool [teachers, rows].
        weights: Each teacher's weight on each row, 0 where it does not have the row; [teachers, rows].
    """

    student_logits: list[Tensor]
    teacher_logits: list[Tensor]
    available: Tensor
    weights: Tensor


@dataclass(frozen=True)
class Outcomes:
    """The outcome of every vocabulary entry of the student and of a teacher, and how many outcomes there are."""

    student: Tensor
    teacher: Tensor
    count: int


class DistillationObjective:
    """Knows the teachers, the rows they share with the student, and the losses; the trainer does the wiring.

    Args:
        student: The student, bare.
        teachers: The loaded teachers.
        multi_tokenizer: Knows which encoding each teacher reads.
        args: The arguments of the run.
        weigh_teachers: The trainer's `compute_teacher_weights`.
        distillation_loss: The trainer's `compute_distillation_loss`.

    Raises:
        ValueError: An ensemble of probabilities or logits over teachers whose outcomes differ.
    """

    def __init__(
        self,
        student: nn.Module,
        teachers: TeacherEnsemble,
        multi_tokenizer: MultiTokenizer,
        args: DistillationTrainingArguments,
        weigh_teachers: WeighTeachers,
        distillation_loss: DistillationLoss,
    ) -> None:
        self.teachers, self.args = teachers, args
        self.weigh_teachers, self.distillation_loss = weigh_teachers, distillation_loss
        config = without_adapters(student).config
        task = task_of(student)
        self.token_level = task != "sequence-classification"
        self.problem = "single_label_classification" if self.token_level else config.problem_type
        self.sources = [multi_tokenizer.source_of(teacher) for teacher in range(len(teachers))]
        self.outcomes = [
            _outcomes(multi_tokenizer.shared_vocabulary(source), config, loaded.model.config, args.device)
            if task == "masked-lm" and source is not None
            else None
            for source, loaded in zip(self.sources, teachers, strict=True)
        ]
        self.ensemble = args.ensemble or ("probabilities" if self.one_outcome_space else "per_teacher")
        self._check_teachers()
        self.soft_loss = SoftTargetLoss(self.problem, args.temperature, self.ensemble)
        self.hard_loss = HardLabelLoss(self.problem, args.label_smoothing_factor)
        self.hidden_loss: HiddenStateLoss | None = None
        weights = torch.tensor(args.teacher_weights or [1.0] * len(teachers), device=args.device)
        self.fixed_weights = weights / weights.sum()

    @property
    def one_outcome_space(self) -> bool:
        """Whether every teacher speaks of the student's own outcomes."""
        return all(outcomes is None for outcomes in self.outcomes)

    @property
    def needs_teachers(self) -> bool:
        """Whether training needs what the teachers say."""
        return bool(self.args.soft_target_weight or self.args.hidden_state_weight)

    def _check_teachers(self) -> None:
        names, weights = self.teachers.names, self.args.teacher_weights
        if weights is not None and len(weights) != len(names):
            raise ValueError(f"teacher_weights expects one number for each of the teachers {names}, got {weights}.")
        if not self.one_outcome_space and len(names) > 1 and self.ensemble != "per_teacher":
            own = [name for name, outcomes in zip(names, self.outcomes, strict=True) if outcomes is not None]
            raise ValueError(
                f"ensemble='{self.ensemble}' averages the teachers over one vocabulary, but {own} read the text "
                "through one that is not the student's, so there is nothing to average over. Use 'per_teacher'."
            )

    def make_hidden_loss(self, student: nn.Module) -> None:
        """Make the loss of the hidden states, with projections where a teacher's size is not this student's."""
        if not self.args.hidden_state_weight:
            return
        configs = [without_adapters(teacher.model).config for teacher in self.teachers]
        self.hidden_loss = HiddenStateLoss(
            self.args.layer_map or {-1: -1},
            student_size=student.config.hidden_size,
            student_layers=student.config.num_hidden_layers,
            teacher_sizes=[config.hidden_size for config in configs],
            teacher_layers=[config.num_hidden_layers for config in configs],
        ).to(self.args.device)

    def rows(self, inputs: Inputs) -> Rows:
        """Find the rows of a batch and which teacher has which."""
        tokens = token_rows(inputs, self.args.distill_positions) if self.token_level else None
        labels = inputs.get("labels")
        return Rows(
            tokens=tokens,
            examples=row_examples(inputs, tokens),
            labels=labels if labels is None or tokens is None else labels[tokens],
            matched=[teacher_rows(inputs, source, tokens) for source in self.sources],
        )

    def row_sets(self, inputs: Inputs) -> dict[str, Tensor]:
        """Return the example of each row of every row set; known from the batch alone, before any forward.

        Returns:
            `rows` (all), `hard` (labelled), `soft` (with a teacher), `soft/<teacher>` and, with a hidden-state loss,
            `hidden/<teacher>`; each int64 [rows of the set].
        """
        rows = self.rows(inputs)
        available = rows.available
        sets = {"rows": rows.examples, "soft": rows.examples[available.any(dim=0)]}
        if rows.labels is not None:
            sets["hard"] = rows.examples[self._labelled(rows.labels)]
        for teacher, name in enumerate(self.teachers.names):
            sets[f"soft/{name}"] = rows.examples[available[teacher]]
            if self.hidden_loss is not None:
                spans = shared_spans(*self._spans(inputs, teacher))
                sets[f"hidden/{name}"] = torch.nonzero(spans, as_tuple=True)[0]
        return sets

    def _labelled(self, labels: Tensor) -> Tensor:
        """Return which rows have a label; bool [rows]."""
        if self.problem == "single_label_classification":
            return labels != functional.IGNORED_LABEL
        return torch.ones(len(labels), dtype=torch.bool, device=labels.device)

    def _spans(self, inputs: Inputs, teacher: int) -> tuple[Tensor, Tensor]:
        """Return the spans over which hidden states are averaged, in the student's and in the teacher's encoding."""
        source = self.sources[teacher]
        if source is None:
            spans = token_spans(real_tokens(inputs))
            return spans, spans
        return inputs[f"teacher_{source}_student_spans"], inputs[f"teacher_{source}_spans"]

    def __call__(
        self, inputs: Inputs, rows: Rows, logits: Tensor, hidden_states: tuple[Tensor, ...] | None, *, follow: bool
    ) -> tuple[dict[str, Values], SoftTargets | None]:
        """Compute every component on every row.

        Args:
            inputs: The collated batch.
            rows: Its rows.
            logits: The student's, [rows, outcomes].
            hidden_states: The student's, all layers [batch, length, hidden]; None without a hidden-state loss.
            follow: Whether the teachers take part; without them the labels speak alone.

        Returns:
            The values by component name, and what the teachers said (None without them).
        """
        values = {}
        if rows.labels is not None:
            labelled = self._labelled(rows.labels)
            values["hard_loss"] = Values(self.hard_loss(logits[labelled], rows.labels[labelled]), "hard")
        if not follow:
            return values, None
        teacher_logits, hidden = self._ask_teachers(inputs, rows, hidden_states)
        targets = self._soft_targets(rows, logits, teacher_logits)
        return values | hidden | self._soft_values(targets), targets

    def _ask_teachers(
        self, inputs: Inputs, rows: Rows, student_hidden: tuple[Tensor, ...] | None
    ) -> tuple[list[Tensor], dict[str, Values]]:
        """Run every teacher once: its logits on the student's rows, and the loss of its hidden states."""
        all_logits, hidden_values = [], {}
        for teacher, (name, source) in enumerate(zip(self.teachers.names, self.sources, strict=True)):
            matched = rows.matched[teacher]
            own_logits, hidden = self.teachers.forward(
                teacher, teacher_inputs(inputs, source), matched.tokens, self.hidden_loss is not None
            )
            logits = own_logits.new_zeros(len(rows.examples), own_logits.shape[-1])
            logits[matched.available] = own_logits[matched.order]
            all_logits.append(logits)
            if self.hidden_loss is not None and hidden is not None and student_hidden is not None:
                distances = self.hidden_loss(student_hidden, hidden, teacher, *self._spans(inputs, teacher))
                hidden_values[f"hidden_loss/{name}"] = Values(distances, f"hidden/{name}")
        return all_logits, hidden_values

    def _soft_targets(self, rows: Rows, student_logits: Tensor, teacher_logits: list[Tensor]) -> SoftTargets:
        """Bring student and teachers to shared outcomes, and weigh the teachers."""
        students, teachers, labels = [], [], []
        for logits, vocabulary in zip(teacher_logits, self.outcomes, strict=True):
            gold = rows.labels
            if vocabulary is None:
                students.append(student_logits)
                teachers.append(logits)
            else:
                students.append(functional.coarsen(student_logits, vocabulary.student, vocabulary.count))
                teachers.append(functional.coarsen(logits, vocabulary.teacher, vocabulary.count))
                if gold is not None:
                    gold = torch.where(self._labelled(gold), vocabulary.student[gold.clamp(min=0)], gold)
            labels.append(gold)
        available = rows.available
        weights = self.weigh_teachers(teachers, None if rows.labels is None else labels, available)
        return SoftTargets(students, teachers, available, weights)

    def _soft_values(self, targets: SoftTargets) -> dict[str, Values]:
        """Compute the soft loss, each teacher's share of it, and the coverage."""
        some = targets.available.any(dim=0)
        alone = torch.ones_like(targets.weights[:1])
        pairs = list(zip(targets.student_logits, targets.teacher_logits, strict=True))
        if self.ensemble == "per_teacher" or len(pairs) == 1:
            each = [self.distillation_loss(student, teacher[None], alone) for student, teacher in pairs]
            loss = sum(weights * losses for weights, losses in zip(targets.weights, each, strict=True))
        else:
            loss = self.distillation_loss(pairs[0][0], torch.stack(targets.teacher_logits), targets.weights)
            with torch.no_grad():
                each = [self.distillation_loss(student, teacher[None], alone) for student, teacher in pairs]
        values = {"soft_loss": Values(loss[some], "soft")}
        for teacher, name in enumerate(self.teachers.names):
            has = targets.available[teacher]
            values[f"soft_loss/{name}"] = Values(each[teacher].detach()[has], f"soft/{name}")
            values[f"teacher_weight/{name}"] = Values(targets.weights[teacher][some], "soft")
            if self.token_level and self.sources[teacher] is not None:
                values[f"coverage/{name}"] = Values(has.float(), "rows")
            if self.outcomes[teacher] is not None:
                shared = 1 - targets.teacher_logits[teacher][has, 0].exp()
                values[f"shared_mass/{name}"] = Values(shared, f"soft/{name}")
        return values

    def teacher_weights(self, teacher_logits: list[Tensor], labels: list[Tensor] | None, available: Tensor) -> Tensor:
        """Weigh the teachers as `teacher_weighting` says; see the trainer's `compute_teacher_weights`."""
        fixed = functional.renormalise(self.fixed_weights[:, None], available)
        if self.args.teacher_weighting == "entropy":
            entropies = [prediction_entropy(self.problem, logits) for logits in teacher_logits]
            return functional.entropy_weights(torch.stack(entropies), available)
        if self.args.teacher_weighting == "fixed" or labels is None:
            return fixed
        errors = [gold_error(self.problem, *pair) for pair in zip(teacher_logits, labels, strict=True)]
        confident = functional.confidence_weights(torch.stack(errors), available)
        return torch.where(self._labelled(labels[0]), confident, fixed)

    def ensemble_logits(self, targets: SoftTargets) -> Tensor:
        """Return what the teachers say together, as logits [rows, outcomes] (regression: outputs), untempered."""
        logits, weights = torch.stack(targets.teacher_logits), targets.weights
        if self.problem == "regression" or self.ensemble == "logits":
            return functional.weighted_mean(logits, weights)
        if self.problem == "multi_label_classification":
            yes, no = functional.ensemble_probabilities(functional.bernoulli_logits(logits), weights, 1.0).unbind(-1)
            return yes - no
        return functional.ensemble_probabilities(logits, weights, 1.0)

    def with_hidden_loss(self, means: dict[str, Any]) -> dict[str, Any]:
        """Add the teachers' weighted mean of the hidden-state losses to the means of the components."""
        each = [means.get(f"hidden_loss/{name}") for name in self.teachers.names]
        pairs = [
            (weight, mean) for weight, mean in zip(self.fixed_weights.tolist(), each, strict=True) if mean is not None
        ]
        return means | {"hidden_loss": sum(weight * mean for weight, mean in pairs)} if pairs else means

    def total(self, means: dict[str, Tensor]) -> Tensor:
        """Return the loss: the components' means times their weights."""
        weights = {
            "soft_loss": self.args.soft_target_weight,
            "hard_loss": self.args.hard_label_weight,
            "hidden_loss": self.args.hidden_state_weight,
        }
        return torch.stack(
            [weight * means[name] for name, weight in weights.items() if weight and name in means]
        ).sum()


def _outcomes(shared: SharedVocabulary, student: Any, teacher: Any, device: torch.device) -> Outcomes:
    """Bring shared outcomes to the device; logits beyond a tokenizer's last entry are the outcome 'other'."""

    def padded(outcomes: Any, size: int) -> Tensor:
        entries = torch.zeros(size, dtype=torch.long)
        entries[: len(outcomes)] = torch.as_tensor(outcomes)
        return entries.to(device)

    return Outcomes(
        padded(shared.student_outcomes, student.vocab_size),
        padded(shared.teacher_outcomes, teacher.vocab_size),
        shared.num_outcomes,
    )
