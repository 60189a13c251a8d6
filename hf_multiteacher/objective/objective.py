"""The objective of a distillation run: from a batch and the student's outputs to one value per row and component."""

from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn

from ..losses import functional
from ..losses.hard_label import HardLabelLoss
from ..losses.hidden_state import HiddenStateLoss
from ..losses.problem import Ensemble, Problem
from ..losses.soft_target import SoftTargetLoss
from ..losses.weighting import gold_error, prediction_entropy
from ..models.task import task_of, without_adapters
from ..training_args import DistillationTrainingArguments
from .aligned_teachers import HiddenStates, SoftTargets, TeacherPanel
from .rows import Inputs, Rows, find_rows, hidden_rows, hidden_spans

if TYPE_CHECKING:
    from ..trainer import MultiTeacherDistillationTrainer

ARGUMENTS = (
    "teacher_weights",
    "teacher_weighting",
    "ensemble",
    "temperature",
    "soft_target_weight",
    "hard_label_weight",
    "hidden_state_weight",
    "layer_map",
    "distill_positions",
    "label_smoothing_factor",
)


@dataclass(frozen=True)
class Values:
    """One value per row of a row set; their sum divided by the set's global count is the mean of a component."""

    values: Tensor
    row_set: str


class DistillationObjective:
    """Every component of the loss, one value per row; the trainer adds them up and divides by the step's counts.

    Args:
        student: The student, PEFT-wrapped or not; a sequence classifier's `problem_type` is set.
        panel: The teachers as this student sees them.
        args: The arguments of the run.
        trainer: Has `compute_teacher_weights` and `compute_distillation_loss`, which a subclass may override.

    Raises:
        ValueError: An ensemble is to be made of probabilities or logits over different outcomes, or `layer_map` names
            a layer that is not there.
    """

    def __init__(
        self,
        student: nn.Module,
        panel: TeacherPanel,
        args: DistillationTrainingArguments,
        trainer: "MultiTeacherDistillationTrainer",
    ) -> None:
        self.panel, self.args, self.trainer = panel, args, trainer
        config = without_adapters(student).config
        self.token_level = task_of(student).token_level
        self.problem = cast(Problem, "single_label_classification" if self.token_level else config.problem_type)
        self.positions = args.distill_positions if self.token_level else None
        self.ensemble = self._choose_ensemble()
        self.soft_loss = SoftTargetLoss(self.problem, args.temperature, self.ensemble)
        self.hard_loss = HardLabelLoss(self.problem, args.label_smoothing_factor)
        self.hidden_loss = self._make_hidden_loss(student) if args.hidden_state_weight else None

    @property
    def needs_teachers(self) -> bool:
        """Whether training needs what the teachers say."""
        return bool(self.args.soft_target_weight or self.args.hidden_state_weight)

    def _choose_ensemble(self) -> Ensemble:
        one = self.panel.one_outcome_space
        ensemble = self.args.ensemble or ("probabilities" if one else "per_teacher")
        if not one and len(self.panel.names) > 1 and ensemble != "per_teacher":
            others = [name for name, each in zip(self.panel.names, self.panel.outcomes, strict=True) if each]
            raise ValueError(
                f"ensemble='{ensemble}' averages the teachers over one vocabulary, but {others} read the text through "
                "one that is not the student's, so there is nothing to average over. Use 'per_teacher'."
            )
        return cast(Ensemble, ensemble)

    def _make_hidden_loss(self, student: nn.Module) -> HiddenStateLoss:
        configs = [
            without_adapters(model).config for model in (student, *(each.model for each in self.panel.teachers))
        ]
        sizes = [config.hidden_size for config in configs]
        layers = [config.num_hidden_layers for config in configs]
        # From the seed alone, so that the projections start equal on every rank and leave the global generator alone.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.args.seed)
            loss = HiddenStateLoss(
                cast("dict[int, int]", self.args.layer_map or {-1: -1}),
                student_size=sizes[0],
                student_layers=layers[0],
                teacher_sizes=sizes[1:],
                teacher_layers=layers[1:],
            )
        return loss.to(self.args.device, torch.promote_types(next(student.parameters()).dtype, torch.float32))

    # ---- Rows: known from the batch alone, before any forward ----

    def rows(self, inputs: Inputs) -> Rows:
        """Find the rows of a batch and which teacher has which."""
        return find_rows(inputs, self.panel.sources, self.problem, self.positions)

    def has_rows(self, inputs: Inputs) -> bool:
        """Whether a batch can have rows; unlabelled tokens have none unless `distill_positions` is `all`."""
        return self.positions != "labelled" or inputs.get("labels") is not None

    def row_sets(self, inputs: Inputs) -> dict[str, Tensor]:
        """Return the rows over which components are averaged, as masks over a batch's tokens, examples or spans.

        Returns:
            `rows` (all), `hard` (labelled), `soft` (with a teacher of positive weight), `soft/<teacher>` and, with a
            hidden-state loss, `hidden/<teacher>`; each bool [batch, ...].
        """
        rows, panel = self.rows(inputs), self.panel
        sets = {"rows": rows.mask, "hard": rows.labelled, "soft": rows.has[panel.speaking].any(dim=0)}
        for name, source, has in zip(panel.names, panel.sources, rows.has, strict=True):
            sets[f"soft/{name}"] = has
            if self.hidden_loss is not None:
                sets[f"hidden/{name}"] = hidden_rows(inputs, source)
        return sets

    def count(self, batches: Iterable[Inputs]) -> dict[str, Tensor]:
        """Count the rows of every set over the batches of a step.

        Raises:
            ValueError: A batch does not have the labels that the objective speaks of.
        """
        counts: dict[str, Tensor] = {}
        for inputs in batches:
            self._expect_labels(inputs)
            for name, mask in self.row_sets(inputs).items():
                counts[name] = counts.get(name, 0) + mask.sum()
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
        self, inputs: Inputs, rows: Rows, logits: Tensor, hidden_states: HiddenStates | None, *, follow: bool
    ) -> tuple[dict[str, Values], SoftTargets | None]:
        """Compute every component on every row.

        Args:
            inputs: The collated batch.
            rows: Its rows.
            logits: The student's, [rows, outcomes].
            hidden_states: The student's, all layers [batch, length, hidden]; None leaves the hidden-state loss out.
            follow: Whether the teachers take part; without them the labels speak alone.

        Returns:
            The values by component name, and what the teachers said (None without them).
        """
        values = {}
        if rows.labels is not None:
            labelled = rows.labelled[rows.mask]
            values["hard_loss"] = Values(self.hard_loss(logits[labelled], rows.labels[labelled]), "hard")
        if not follow:
            return values, None
        compare_states = self.hidden_loss is not None and hidden_states is not None
        answers = self.panel.ask(inputs, rows, compare_states)
        targets = self.panel.compare(rows, logits, answers.logits)
        values |= self._soft_values(targets)
        if compare_states:
            values |= self._hidden_values(inputs, cast(HiddenStates, hidden_states), answers.hidden_states)
        return values, targets

    def _soft_values(self, targets: SoftTargets) -> dict[str, Values]:
        """Compute the soft loss, each teacher's own, and what part each teacher has."""
        weights = self.trainer.compute_teacher_weights(targets.teacher_logits, targets.labels, targets.takes_part)
        separate = self.ensemble == "per_teacher" or len(self.panel.names) == 1
        with nullcontext() if separate else torch.no_grad():
            each = [self._loss_of(teacher, targets) for teacher in range(len(self.panel.names))]
        if separate:
            loss = torch.stack([weight * losses for weight, losses in zip(weights, each, strict=True)]).sum(dim=0)
        else:
            loss = self.trainer.compute_distillation_loss(
                targets.student_logits[0], torch.stack(targets.teacher_logits), weights
            )
        taught = targets.takes_part.any(dim=0)
        values = {"soft_loss": Values(loss[taught], "soft")}
        for teacher, name in enumerate(self.panel.names):
            has = targets.has[teacher]
            values[f"soft_loss/{name}"] = Values(each[teacher].detach()[has], f"soft/{name}")
            values[f"teacher_weight/{name}"] = Values(weights[teacher][taught], "soft")
            values |= self._coverage(teacher, targets)
        return values

    def _loss_of(self, teacher: int, targets: SoftTargets) -> Tensor:
        """Return the soft loss [rows] of one teacher alone; 0 where it does not have the row."""
        has = targets.has[teacher]
        student, said = targets.student_logits[teacher][has], targets.teacher_logits[teacher][has]
        losses = self.trainer.compute_distillation_loss(student, said[None], torch.ones_like(said[None, :, 0]))
        return losses.new_zeros(len(has)).masked_scatter(has, losses)

    def _coverage(self, teacher: int, targets: SoftTargets) -> dict[str, Values]:
        """Tell how much of the rows, and of its probability, a teacher with a tokenizer of its own can share."""
        name, values, has = self.panel.names[teacher], {}, targets.has[teacher]
        if self.token_level and self.panel.sources[teacher] is not None:
            values[f"coverage/{name}"] = Values(has.float(), "rows")
        if (outcomes := self.panel.outcomes[teacher]) is not None:
            shared = outcomes.shared_mass(targets.teacher_logits[teacher][has])
            values[f"shared_mass/{name}"] = Values(shared, f"soft/{name}")
        return values

    def _hidden_values(
        self, inputs: Inputs, student_states: HiddenStates, teacher_states: list[HiddenStates | None]
    ) -> dict[str, Values]:
        loss, values = cast(HiddenStateLoss, self.hidden_loss), {}
        for teacher, name in enumerate(self.panel.names):
            spans = hidden_spans(inputs, self.panel.sources[teacher])
            states = cast(HiddenStates, teacher_states[teacher])
            values[f"hidden_loss/{name}"] = Values(loss(student_states, states, teacher, *spans), f"hidden/{name}")
        return values

    # ---- Weights ----

    def teacher_weights(self, teacher_logits: list[Tensor], labels: list[Tensor] | None, available: Tensor) -> Tensor:
        """Weigh the teachers as `teacher_weighting` says; see the trainer's `compute_teacher_weights`."""
        weights = torch.tensor(self.panel.weights, device=available.device)
        fixed = functional.renormalise(weights[:, None], available)
        if self.args.teacher_weighting == "entropy":
            entropies = [prediction_entropy(self.problem, logits) for logits in teacher_logits]
            return functional.entropy_weights(torch.stack(entropies), available)
        if self.args.teacher_weighting == "fixed" or labels is None:
            return fixed
        errors = [gold_error(self.problem, *pair) for pair in zip(teacher_logits, labels, strict=True)]
        confident = functional.confidence_weights(torch.stack(errors), available)
        single = self.problem == "single_label_classification"
        return confident.where(labels[0] != functional.IGNORED_LABEL, fixed) if single else confident

    def means(self, values: Mapping[str, Values], counts: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the part of this batch in the mean of every component over the whole step."""
        return self.with_hidden_loss({name: each.values.sum() / counts[each.row_set] for name, each in values.items()})

    def with_hidden_loss(self, means: dict[str, Any]) -> dict[str, Any]:
        """Add the teachers' weighted mean of the hidden-state losses to the means of the components."""
        each = {
            name: weight * means[f"hidden_loss/{name}"]
            for name, weight in zip(self.panel.names, self.panel.weights, strict=True)
            if f"hidden_loss/{name}" in means
        }
        return means | {"hidden_loss": sum(each.values())} if each else means

    def total(self, means: Mapping[str, Tensor]) -> Tensor:
        """Return the loss: the components' means times their weights."""
        weights = {
            "soft_loss": self.args.soft_target_weight,
            "hard_loss": self.args.hard_label_weight,
            "hidden_loss": self.args.hidden_state_weight,
        }
        parts = [weight * means[name] for name, weight in weights.items() if weight and name in means]
        return torch.stack(parts).sum()

    def ensemble_logits(self, targets: SoftTargets) -> Tensor:
        """Return what the teachers say together, as logits [rows, outcomes] (regression: outputs), untempered."""
        logits = torch.stack(targets.teacher_logits)
        weights = self.trainer.compute_teacher_weights(targets.teacher_logits, targets.labels, targets.takes_part)
        if self.problem == "regression" or self.ensemble == "logits":
            return functional.weighted_mean(logits, weights)
        if self.problem == "multi_label_classification":
            yes, no = functional.ensemble_probabilities(functional.bernoulli_logits(logits), weights, 1.0).unbind(-1)
            return yes - no
        return functional.ensemble_probabilities(logits, weights, 1.0)

    def manifest(self) -> dict[str, Any]:
        """Tell what decides about the numbers: the teachers, and how the student follows them."""
        decided = {"ensemble": self.ensemble, "teacher_weights": self.panel.weights}
        return {
            "teachers": self.panel.teachers.manifest(),
            "arguments": {name: decided.get(name, getattr(self.args, name)) for name in ARGUMENTS},
        }
