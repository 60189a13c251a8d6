"""The objective of a distillation run: from a batch and the student's outputs to one value per row and component."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn

from ..losses import functional
from ..losses.hard_label import HardLabelLoss
from ..losses.hidden_state import HiddenStateLoss
from ..losses.joint import JointLoss, RowLosses, RowTargets
from ..losses.problem import Ensemble, Problem
from ..losses.soft_target import SoftTargetLoss, joint_logits
from ..losses.weighting import WEIGHTINGS
from ..models.outputs import HiddenStates
from ..models.task import task_of, without_adapters
from ..teachers.ensemble import ENSEMBLE
from ..tokenization.word_marks import word_starts
from ..training_args import DistillationTrainingArguments, objective_arguments
from .aligned_teachers import AlignedTeachers, SoftTargets, TeacherOutputs, Weigh
from .batch import Batch
from .components import Component, expect_shape, means_of, total_of, with_hidden_loss
from .not_finite import examples_not_finite
from .row_finder import RowFinder
from .row_sets import row_sets, set_sizes
from .rows import Inputs, Rows

SoftLoss = Callable[[Tensor, Tensor, Tensor], Tensor]
"""The trainer's `compute_distillation_loss`: student logits, teacher logits, teacher weights -> losses."""
HardLoss = Callable[[Tensor, Tensor], Tensor]
"""The trainer's `compute_hard_loss`: student logits, labels -> losses."""
SOFT_AND_HARD = "soft_and_hard_loss"
"""The part of the loss that has the gradient of both, where it is made in one go; it stands for the two."""
SKIPPED = "skipped_rows"
"""How many rows were left out because a teacher's answer is NaN or infinite; a number of rows, and no mean."""


@dataclass(frozen=True)
class Hooks:
    """What a subclass of the trainer may override; None where nobody has.

    Attributes:
        weigh: `compute_teacher_weights`.
        soft_loss: `compute_distillation_loss`.
        hard_loss: `compute_hard_loss`.
    """

    weigh: Weigh | None = None
    soft_loss: SoftLoss | None = None
    hard_loss: HardLoss | None = None


@dataclass(frozen=True)
class Computed:
    """What the objective says of a batch.

    Attributes:
        components: By name.
        targets: Student and teachers side by side; None without teachers, and in training where nobody looks at them.
        faulty: Which teachers that are followed answer NaN or infinity, bool [teachers]; None without teachers.
    """

    components: dict[str, Component]
    targets: SoftTargets | None = None
    faulty: Tensor | None = None


class DistillationObjective:
    """Every component of the loss, one value per row; the trainer adds them up and divides by the step's counts.

    Args:
        student: The student, PEFT-wrapped or not; a sequence classifier's `problem_type` is set.
        teachers: The teachers as this student sees them.
        args: The arguments of the run.

    Raises:
        ValueError: An ensemble is to be made of probabilities or logits over different outcomes, or `layer_map` names
            a layer that is not there.
    """

    def __init__(self, student: nn.Module, teachers: AlignedTeachers, args: DistillationTrainingArguments) -> None:
        self.teachers = teachers
        self.args = args

        self.token_level = task_of(student).token_level
        problem = "single_label_classification" if self.token_level else without_adapters(student).config.problem_type
        self.problem = cast(Problem, problem)
        self.positions = args.distill_positions if self.token_level else None
        self.ensemble = self._choose_ensemble()

        self.soft_loss = SoftTargetLoss(self.problem, args.temperature, self.ensemble)
        self.hard_loss = HardLabelLoss(self.problem, args.label_smoothing_factor)
        self.hidden_loss = self._make_hidden_loss(student) if args.hidden_state_weight else None
        tokenizer = teachers.student_tokenizer
        tagging = self.token_level and not task_of(student).over_vocabulary
        self.finder = RowFinder(
            teachers.source_of,
            teachers.followed,
            self.problem,
            self.positions,
            self.hidden_loss is not None,
            unlabelled_sentences=tagging,
            word_starts=word_starts(tokenizer) if tagging and tokenizer is not None else None,
        )

    @property
    def needs_teachers(self) -> bool:
        """Whether training needs what the teachers say."""
        return bool(self.args.soft_target_weight or self.args.hidden_state_weight)

    def _choose_ensemble(self) -> Ensemble:
        one = self.teachers.one_outcome_space
        ensemble = self.args.ensemble or ("probabilities" if one else "per_teacher")

        if not one and len(self.teachers.names) > 1 and ensemble != "per_teacher":
            pairs = zip(self.teachers.names, self.teachers.outcomes, strict=True)
            others = [name for name, outcomes in pairs if outcomes]
            raise ValueError(
                f"ensemble='{ensemble}' averages the teachers over one set of outcomes, but {others} have a "
                "vocabulary or labels that are not the student's, so there is nothing to average over. Use "
                "'per_teacher'."
            )

        return cast(Ensemble, ensemble)

    def _make_hidden_loss(self, student: nn.Module) -> HiddenStateLoss:
        models = [student, *(teacher.model for teacher in self.teachers.teachers)]
        configs = [without_adapters(model).config for model in models]
        sizes = [config.hidden_size for config in configs]
        layers = [config.num_hidden_layers for config in configs]

        # From the seed alone, so that the projections start equal on every rank and leave the global generator alone.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.args.seed)
            loss = HiddenStateLoss(
                self.args.compared_layers,
                student_size=sizes[0],
                student_layers=layers[0],
                teacher_sizes=sizes[1:],
                teacher_layers=layers[1:],
            )

        return loss.to(self.args.device, torch.promote_types(next(student.parameters()).dtype, torch.float32))

    # ---- Rows: known from the batch alone, before any forward ----

    def rows(self, inputs: Inputs) -> Rows:
        """Find the rows of a batch and which teacher has which, unless it knows them."""
        known = inputs.rows_for(self.finder) if isinstance(inputs, Batch) else None
        return self.finder(inputs) if known is None else known

    def has_rows(self, inputs: Inputs) -> bool:
        """Whether a batch can have rows; unlabelled tokens have none unless `distill_positions` is `all`."""
        return self.positions != "labelled" or inputs.get("labels") is not None

    def row_sets(self, inputs: Inputs) -> dict[str, Tensor]:
        """Mark the rows over which components are averaged; see `row_sets`."""
        teachers, hidden = self.teachers, self.hidden_loss is not None
        return row_sets(inputs, self.rows(inputs), teachers.source_of, teachers.followed, hidden_states=hidden)

    def count(self, batches: Iterable[Inputs]) -> dict[str, int]:
        """Count the rows of every set over the batches of a step.

        Raises:
            ValueError: A batch does not have the labels that the objective speaks of.
        """
        counts: Counter[str] = Counter()
        for inputs in batches:
            self._expect_labels(inputs)
            counts.update(set_sizes(self.rows(inputs), self.teachers.names))
        return counts

    def _expect_labels(self, inputs: Inputs) -> None:
        if inputs.get("labels") is None and (self.args.hard_label_weight or not self.has_rows(inputs)):
            positions = ", distill_positions='all'" if self.token_level else ""
            raise ValueError(
                "MultiTeacherDistillationTrainer learns from labels and this batch has no column 'labels', so a part "
                "of the objective would silently be left out. Add labels, or learn from the teachers alone: "
                f"hard_label_weight=0{positions}."
            )

    # ---- Components ----

    def __call__(
        self,
        inputs: Inputs,
        rows: Rows,
        logits: Tensor,
        hidden_states: HiddenStates | None,
        *,
        with_teachers: bool,
        hooks: Hooks,
        counts: Mapping[str, Tensor] | None = None,
    ) -> Computed:
        """Compute every component on every row.

        Args:
            inputs: The collated batch.
            rows: Its rows.
            logits: The student's, [rows, outcomes].
            hidden_states: The student's, all layers [batch, length, hidden]; None leaves the hidden-state loss out.
            with_teachers: Whether the teachers take part; without them the labels speak alone.
            hooks: What a subclass of the trainer has overridden.
            counts: The rows of every set in the whole step, in training.
        """
        if not with_teachers:
            return Computed(self._hard_components(rows, logits, hooks))

        compare_states = self.hidden_loss is not None and hidden_states is not None
        outputs = self.teachers.forward(inputs, rows, compare_states)
        skipped: dict[str, Component] = {}
        if counts is not None and self.args.skip_nonfinite_rows:
            rows, outputs, skipped = self._without_unanswered(rows, outputs)

        if counts is not None and self._in_one_go(logits, outputs, hooks):
            components, sound = self._joint_components(rows, logits, outputs, hooks, counts)
            targets = None
        else:
            targets = self.teachers.align(rows, logits, outputs.logits, hooks.weigh or self.weighting)
            components = self._hard_components(rows, logits, hooks)
            components |= self._soft_components(targets, hooks.soft_loss or self.soft_loss)
            answered = torch.stack([has_answers(each) for each in targets.teacher_logits])
            sound = (answered | ~targets.available).all(dim=1)

        if compare_states:
            states = cast(HiddenStates, hidden_states)
            components |= self._hidden_components(states, outputs, rows)
        return Computed(components | skipped, targets, self._faulty(components, sound, logits))

    def _without_unanswered(
        self, rows: Rows, outputs: TeacherOutputs
    ) -> tuple[Rows, TeacherOutputs, dict[str, Component]]:
        """Take each row on which a teacher answers NaN or infinity for one that it does not have, and count them."""
        teachers = self.teachers
        answered = torch.stack([has_answers(logits) for logits in outputs.logits])
        skipped = teachers.available(rows) & ~answered

        components = {
            f"{SKIPPED}/{name}": Component(each.float(), None)
            for name, each in zip(teachers.names, skipped, strict=True)
        }
        return rows.without(skipped), outputs.silent(skipped), components

    def ask_teachers(self, inputs: Inputs) -> TeacherOutputs:
        """Run every teacher on a batch as in training, or read what it says where that is kept."""
        return self.teachers.forward(inputs, self.rows(inputs), self.hidden_loss is not None)

    def _hard_components(self, rows: Rows, logits: Tensor, hooks: Hooks) -> dict[str, Component]:
        if rows.labels is None:
            return {}

        labels = rows.labels.index_select(0, rows.hard)
        values = (hooks.hard_loss or self.hard_loss)(logits.index_select(0, rows.hard), labels)
        return {"hard_loss": Component(expect_shape("compute_hard_loss", values, len(labels)), "hard")}

    # ---- Soft and hard loss in one go ----

    def _in_one_go(self, logits: Tensor, outputs: TeacherOutputs, hooks: Hooks) -> bool:
        """Whether `JointLoss` says the same: rows of one label, one space of logits, nobody's own divergence."""
        one_width = self.teachers.shared_width(logits, outputs.logits) is None
        return hooks.soft_loss is None and self.problem == "single_label_classification" and one_width

    def _joint_components(
        self, rows: Rows, logits: Tensor, outputs: TeacherOutputs, hooks: Hooks, counts: Mapping[str, Tensor]
    ) -> tuple[dict[str, Component], Tensor]:
        """Compute soft and hard loss, without a copy of all logits; and which teachers have answers on their rows."""
        teachers = self.teachers
        available, followed = teachers.available(rows), teachers.followed_on(rows)
        own = (
            None if hooks.weigh is None else teachers.align(rows, logits.detach(), outputs.logits, hooks.weigh).weights
        )
        targets = RowTargets(outputs.logits, teachers.outcomes, followed, teachers.followed, rows.labels, own)

        loss = JointLoss(self.args.temperature, self._one_target, self.weighting, self.args.label_smoothing_factor)
        if rows.labels is None or hooks.hard_loss is not None:
            values, found = loss(logits, targets, 1.0, None)
            parts = self._hard_components(rows, logits, hooks) | {"soft_loss": Component(values, "soft")}
        else:
            scales = self.args.soft_target_weight / counts["soft"], self.args.hard_label_weight / counts["hard"]
            values, found = loss(logits, targets, *scales)
            parts = {SOFT_AND_HARD: Component(values, None), "hard_loss": Component(found.hard, "hard")}

        components = self._found_components(found, available, followed) | parts
        return components, (found.sound | ~available).all(dim=1)

    @property
    def _one_target(self) -> Ensemble:
        """How the teachers become one target; one teacher needs no ensemble."""
        return "per_teacher" if len(self.teachers.names) == 1 else self.ensemble

    def _found_components(self, found: RowLosses, available: Tensor, followed: Tensor) -> dict[str, Component]:
        """Name what was found on the rows."""
        components = {"soft_loss": Component(found.soft, "soft")}
        for teacher, name in enumerate(self.teachers.names):
            has = available[teacher]
            weights = found.weights[teacher].masked_fill(~followed.any(dim=0), 0.0)
            components[f"soft_loss/{name}"] = Component(found.each[teacher].masked_fill(~has, 0.0), f"soft/{name}")
            components[f"teacher_weight/{name}"] = Component(weights, "soft")
            if self._has_own_tokens(teacher):
                components[f"coverage/{name}"] = Component(has.float(), "rows")
            if self.teachers.outcomes[teacher] is not None:
                shared = found.shared[teacher].masked_fill(~has, 0.0)
                components[f"shared_mass/{name}"] = Component(shared, f"soft/{name}")

        return components

    # ---- Soft loss by itself ----

    def _soft_components(self, targets: SoftTargets, soft_loss: SoftLoss) -> dict[str, Component]:
        """Compute the soft loss, each teacher's own, and what part each teacher has."""
        separate = self._one_target == "per_teacher"
        each = []
        for teacher, followed in enumerate(self.teachers.followed):
            # Of a teacher that is only measured not even a gradient of 0, which times NaN would be NaN.
            with nullcontext() if separate and followed else torch.no_grad():
                each.append(_loss_of(teacher, targets, soft_loss))

        if separate:
            loss = functional.weighted_mean(torch.stack(each), targets.weights)
        else:
            loss = soft_loss(targets.student_logits[0], torch.stack(targets.teacher_logits), targets.weights)
            loss = expect_shape("compute_distillation_loss", loss, targets.weights.shape[1])
            loss = loss.masked_fill(~targets.followed.any(dim=0), 0.0)

        components = {"soft_loss": Component(loss.index_select(0, targets.taught), "soft")}
        for teacher, name in enumerate(self.teachers.names):
            own = each[teacher].detach().index_select(0, targets.has[teacher])
            weights = targets.weights[teacher].index_select(0, targets.taught)
            components[f"soft_loss/{name}"] = Component(own, f"soft/{name}")
            components[f"teacher_weight/{name}"] = Component(weights, "soft")
            components |= self._coverage(teacher, targets)

        return components

    def _has_own_tokens(self, teacher: int) -> bool:
        return self.token_level and self.teachers.sources[teacher] is not None

    def _coverage(self, teacher: int, targets: SoftTargets) -> dict[str, Component]:
        """Tell how much of the rows, and of its probability, a teacher with a tokenizer of its own can share."""
        name = self.teachers.names[teacher]

        components = {}
        if self._has_own_tokens(teacher):
            components[f"coverage/{name}"] = Component(targets.available[teacher].float(), "rows")
        if (outcomes := self.teachers.outcomes[teacher]) is not None:
            own = targets.teacher_logits[teacher].index_select(0, targets.has[teacher])
            shared = outcomes.shared_mass(own) * targets.available[teacher].index_select(0, targets.has[teacher])
            components[f"shared_mass/{name}"] = Component(shared, f"soft/{name}")

        return components

    def _hidden_components(
        self, student_states: HiddenStates, outputs: TeacherOutputs, rows: Rows
    ) -> dict[str, Component]:
        """Compare the hidden states of the student with each teacher's, on the spans that the two share."""
        loss = cast(HiddenStateLoss, self.hidden_loss)

        components = {}
        for teacher, name in enumerate(self.teachers.names):
            states, spans = outputs.hidden_states[teacher], cast("tuple[Tensor, Tensor]", outputs.spans[teacher])
            shared = rows.spans[teacher]
            with nullcontext() if self.teachers.followed[teacher] else torch.no_grad():
                distances = loss(student_states, states, teacher, *spans, shared.count, shared.index)
            components[f"hidden_loss/{name}"] = Component(distances, f"hidden/{name}")

        return components

    def _faulty(self, components: Mapping[str, Component], sound: Tensor, student_logits: Tensor) -> Tensor:
        """Tell which teachers that are followed cannot be: they answer NaN or infinity. Nothing waits for a device.

        Args:
            components: Of a batch, with its teachers.
            sound: Which teachers have an answer on all of their rows, bool [teachers].
            student_logits: Where these are NaN, no teacher is to blame for hidden states that are far from them.

        Returns:
            bool [teachers].
        """
        distances = [each.values for name, each in components.items() if name.startswith("hidden_loss/")]
        if distances:
            diverged = ~has_answers(student_logits).all()
            sound = sound & torch.stack([diverged | far.isfinite().all() for far in distances])

        return self.teachers.followed_at_all & ~sound

    def not_finite(self, inputs: Inputs, components: Mapping[str, Component]) -> dict[str, list[str]]:
        """Name what takes part in the loss and is NaN or infinite, with its examples; for a message, as it waits."""
        follows = [name for name, weight in self.teachers.weight_of.items() if weight]
        weights = {
            "hard_loss": self.args.hard_label_weight,
            "soft_loss": self.args.soft_target_weight,
            **{f"soft_loss/{name}": self.args.soft_target_weight for name in follows},
            **{f"hidden_loss/{name}": self.args.hidden_state_weight for name in follows},
        }

        taking_part = {name: components[name] for name, weight in weights.items() if weight and name in components}
        return examples_not_finite(taking_part, self.row_sets(inputs), inputs)

    # ---- What the hooks of the trainer do where nobody overrides them ----

    def weighting(self, teacher_logits: list[Tensor], labels: list[Tensor] | None, available: Tensor) -> Tensor:
        """Weigh the teachers as `teacher_weighting` says; see the trainer's `compute_teacher_weights`."""
        weigh = WEIGHTINGS[self.args.teacher_weighting]
        return weigh(self.problem, teacher_logits, labels, available, self.teachers.fixed_weights)

    # ---- From components to the loss and to figures ----

    def means(self, components: Mapping[str, Component], counts: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the part of this batch in the mean of every component over the whole step."""
        return self.with_hidden_loss(means_of(components, counts))

    def with_hidden_loss(self, means: dict[str, Any]) -> dict[str, Any]:
        """Add the teachers' weighted mean of the hidden-state losses to the means of the components."""
        return with_hidden_loss(means, self.teachers.weight_of)

    def total(self, means: Mapping[str, Tensor]) -> Tensor:
        """Return the loss: the components' means times their weights."""
        weights = {
            "soft_loss": self.args.soft_target_weight,
            "hard_loss": self.args.hard_label_weight,
            "hidden_loss": self.args.hidden_state_weight,
        }
        if SOFT_AND_HARD in means:
            weights |= {"soft_loss": 0.0, "hard_loss": 0.0, SOFT_AND_HARD: 1.0}
        return total_of(means, weights)

    def ensemble_logits(self, targets: SoftTargets) -> Tensor:
        """Return what the teachers say together, as logits [rows, outcomes] (regression: outputs), untempered."""
        return joint_logits(self.problem, self.ensemble, torch.stack(targets.teacher_logits), targets.weights)

    def answers(self, targets: SoftTargets) -> Iterator[tuple[str, Tensor, Tensor]]:
        """Yield what can be measured like the student: the name, the logits, and which rows it has.

        A teacher with another vocabulary speaks of other outcomes, and is left out; so is an ensemble with one.
        """
        teachers = self.teachers
        each = zip(teachers.names, targets.teacher_logits, targets.available, teachers.outcomes, strict=True)
        yield from ((name, logits, available) for name, logits, available, outcomes in each if outcomes is None)
        if len(teachers.names) > 1 and teachers.one_outcome_space:
            yield ENSEMBLE, self._unlabelled_ensemble_logits(targets), targets.followed.any(dim=0)

    def _unlabelled_ensemble_logits(self, targets: SoftTargets) -> Tensor:
        """Return what the ensemble says of text without labels, at which some weightings look."""
        weights = targets.weights
        if self.args.teacher_weighting == "confidence":
            weights = self.weighting(targets.teacher_logits, None, targets.followed)
        return joint_logits(self.problem, self.ensemble, torch.stack(targets.teacher_logits), weights)

    def manifest(self) -> dict[str, Any]:
        """Tell what decides about the numbers: the teachers, and how the student follows them."""
        decided = {"ensemble": self.ensemble, "teacher_weights": self.teachers.weights}
        arguments = {name: decided.get(name, getattr(self.args, name)) for name in objective_arguments()}
        return {"teachers": self.teachers.teachers.manifest(), "arguments": arguments}


def has_answers(logits: Tensor) -> Tensor:
    """Say of each row [rows, outcomes] whether it holds a distribution; minus infinity is an impossible class."""
    return logits.amax(dim=-1).isfinite()


def _loss_of(teacher: int, targets: SoftTargets, soft_loss: SoftLoss) -> Tensor:
    """Return the soft loss [rows] of one teacher alone; 0 where it does not have the row."""
    has = targets.has[teacher]
    student_logits = targets.student_logits[teacher].index_select(0, has)
    teacher_logits = targets.teacher_logits[teacher].index_select(0, has)[None]
    losses = soft_loss(student_logits, teacher_logits, torch.ones_like(teacher_logits[:, :, 0]))
    losses = expect_shape("compute_distillation_loss", losses, len(student_logits))

    every_row = losses.new_zeros(targets.available.shape[1]).index_copy(0, has, losses)
    return every_row.masked_fill(~targets.available[teacher], 0.0)
