"""One module per part of the objective, over the formulas of `functional`. Each gives one value per row.

The caller adds the rows up and divides by its own count, so that accumulation and ranks change nothing.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Literal, cast, get_args

import torch
from torch import Tensor, nn

from . import functional

Problem = Literal["single_label_classification", "multi_label_classification", "regression"]
"""What logits mean, as in transformers' `config.problem_type`; tagging and masked-LM rows are single-label."""
Ensemble = Literal["probabilities", "logits", "per_teacher"]


class SoftTargetLoss(nn.Module):
    """How far the student is from its teachers: T² · KL(teachers ‖ student), or the squared error in regression."""

    def __init__(self, problem: Problem, temperature: float, ensemble: Ensemble = "probabilities") -> None:
        """Choose the divergence and how several teachers become one target.

        Args:
            problem: What the logits mean.
            temperature: T > 0; without meaning, and unused, in regression.
            ensemble: `probabilities` or `logits` (the weighted mean of either is the one target) or `per_teacher` (the
                weighted sum of one divergence per teacher).

        Raises:
            ValueError: If an argument is not one of these.
        """
        super().__init__()
        _expect_one_of("problem", problem, get_args(Problem))
        _expect_one_of("ensemble", ensemble, get_args(Ensemble))
        if not (temperature > 0 and math.isfinite(temperature)):
            raise ValueError(
                f"SoftTargetLoss divides logits by temperature, so it must be above 0, not {temperature}."
            )
        self.problem = problem
        self.temperature = temperature
        self.ensemble = ensemble

    def divergence(self, student_logits: Tensor, teacher_logits: Tensor) -> Tensor:
        """Divergence `[rows]` of the student from one teacher, in the outcome space of the two.

        Args:
            student_logits: `[rows, classes]`, or coarsened log-probabilities `[rows, outcomes]`; not tempered.
            teacher_logits: The same shape.
        """
        if self.problem == "regression":
            return functional.squared_error(student_logits, teacher_logits)
        target = functional.tempered_log_probabilities(self._outcomes(teacher_logits), self.temperature)
        return self._kl_divergence(student_logits, target)

    def forward(self, student_logits: Tensor, teacher_logits: Tensor, teacher_weights: Tensor) -> Tensor:
        """Divergence of the student from all its teachers together.

        Args:
            student_logits: `[rows, classes]`, not tempered.
            teacher_logits: `[teachers, rows, classes]`, not tempered, in one outcome space.
            teacher_weights: `[teachers, rows]`, summing to 1 over the teachers, or all zero where no teacher has the
                row.

        Returns:
            `[rows]`; 0 where all weights are zero.

        Raises:
            ValueError: If the shapes do not fit.
        """
        _expect_shape("teacher_logits", teacher_logits, (len(teacher_weights), *student_logits.shape))
        _expect_shape("teacher_weights", teacher_weights, teacher_logits.shape[:2])
        if self.ensemble == "per_teacher":
            each = torch.stack([self.divergence(student_logits, logits) for logits in teacher_logits])
            losses = functional.weighted_mean(each, teacher_weights)
        elif self.problem == "regression":
            mean = functional.weighted_mean(teacher_logits, teacher_weights)
            losses = functional.squared_error(student_logits, mean)
        else:
            join = functional.ensemble_logits if self.ensemble == "logits" else functional.ensemble_probabilities
            target = join(self._outcomes(teacher_logits), teacher_weights, self.temperature)
            losses = self._kl_divergence(student_logits, target)
        return losses.masked_fill(teacher_weights.sum(dim=0) == 0, 0.0)

    def _outcomes(self, logits: Tensor) -> Tensor:
        return functional.bernoulli_logits(logits) if self.problem == "multi_label_classification" else logits

    def _kl_divergence(self, student_logits: Tensor, target: Tensor) -> Tensor:
        multi_label = self.problem == "multi_label_classification"
        divergence = functional.bernoulli_kl_divergence if multi_label else functional.kl_divergence
        return divergence(student_logits, target, self.temperature)


class HardLabelLoss(nn.Module):
    """The loss with the gold labels: cross entropy, binary cross entropy or squared error, as the problem says."""

    def __init__(self, problem: Problem, label_smoothing: float = 0.0) -> None:
        """Choose the loss.

        Args:
            problem: What the logits mean.
            label_smoothing: ε in [0, 1), for single-label problems only.

        Raises:
            ValueError: If the problem is unknown or cannot be smoothed.
        """
        super().__init__()
        _expect_one_of("problem", problem, get_args(Problem))
        if not 0 <= label_smoothing < 1:
            raise ValueError(f"HardLabelLoss expects label_smoothing in [0, 1), not {label_smoothing}.")
        if label_smoothing and problem != "single_label_classification":
            raise ValueError(
                f"Label smoothing spreads one gold label over the other classes, which {problem} does not have. "
                "Set label_smoothing_factor to 0."
            )
        self.problem = problem
        self.label_smoothing = label_smoothing

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Loss of each row.

        Args:
            logits: `[rows, classes]`; in regression `[rows]` or `[rows, outputs]`.
            labels: `[rows]` integers; multi-label `[rows, classes]` in [0, 1]; in regression as the logits.

        Returns:
            `[rows]`; 0 for a row labelled -100, regression apart.
        """
        if self.problem == "regression":
            return functional.squared_error(logits, labels)
        if self.problem == "multi_label_classification":
            return functional.binary_cross_entropy(logits, labels)
        return functional.cross_entropy(logits, labels, self.label_smoothing)


def gold_error(problem: Problem, teacher_logits: Tensor, labels: Tensor) -> Tensor:
    """A teacher's own loss `[rows]` with the gold labels, for `confidence_weights`: summed, not averaged, over labels.

    Args:
        problem: What the logits mean.
        teacher_logits: As `HardLabelLoss` takes them; coarsened log-probabilities with the outcomes of the gold tokens
            as labels where the vocabularies differ.
        labels: As `HardLabelLoss` takes them.
    """
    errors = HardLabelLoss(problem)(teacher_logits, labels)
    return errors * teacher_logits.shape[-1] if problem == "multi_label_classification" else errors


def prediction_entropy(problem: Problem, teacher_logits: Tensor) -> Tensor:
    """A teacher's own entropy `[rows]`, for `entropy_weights`: 0 for certainty, 1 for a uniform prediction.

    Args:
        problem: What the logits mean; with several labels, the mean of their entropies.
        teacher_logits: `[rows, classes]`.

    Raises:
        ValueError: In regression, where one number has no entropy.
    """
    _expect_one_of("problem", problem, get_args(Problem))
    if problem == "regression":
        raise ValueError(
            "Entropy weights need a distribution, but a regression head gives one number. "
            'Use teacher_weighting="fixed" or "confidence".'
        )
    if problem == "multi_label_classification":
        return functional.normalised_entropy(functional.bernoulli_logits(teacher_logits)).mean(dim=-1)
    return functional.normalised_entropy(teacher_logits)


class HiddenStateLoss(nn.Module):
    """Cosine distance between the hidden states of the student and of its teachers, averaged over spans.

    Where the sizes differ, the student's states pass through a linear projection without bias, one per teacher and
    layer pair, owned by this module: to be trained, saved and resumed beside the student, in float32 (float64 for a
    float64 student), to which the states are brought first.
    """

    def __init__(
        self,
        layer_map: Mapping[int, int],
        *,
        student_size: int,
        student_layers: int,
        teacher_sizes: Sequence[int],
        teacher_layers: Sequence[int],
    ) -> None:
        """Check the layer map and make the projections.

        Args:
            layer_map: Index into the student's `hidden_states` -> index into every teacher's (0 = embeddings, n =
                output of layer n, negative from the end).
            student_size: The student's hidden size.
            student_layers: The student's number of layers.
            teacher_sizes: One hidden size per teacher.
            teacher_layers: One number of layers per teacher.

        Raises:
            ValueError: If the map is empty or names a layer that is not there.
        """
        super().__init__()
        if not layer_map:
            raise ValueError("The hidden-state loss compares at least one pair of layers, but layer_map is empty.")
        _expect_layers("the student", student_layers, layer_map.keys())
        for teacher, layers in enumerate(teacher_layers):
            _expect_layers(f"teacher {teacher}", layers, layer_map.values())
        self.layer_map = dict(layer_map)
        self.projections = nn.ModuleList(
            nn.ModuleList(_projection(student_size, size) for _ in self.layer_map) for size in teacher_sizes
        )

    def forward(
        self,
        student_states: Sequence[Tensor],
        teacher_states: Sequence[Tensor],
        teacher: int,
        student_spans: Tensor,
        teacher_spans: Tensor,
    ) -> Tensor:
        """Distances between the student and one teacher.

        Args:
            student_states: The student's `hidden_states`, each `[batch, length, size]`.
            teacher_states: The teacher's `hidden_states`, each `[batch, teacher length, teacher size]`.
            teacher: The teacher's number.
            student_spans: `[batch, length]`, the span of each token, -1 for none; `token_spans(attention_mask)` for
                both sides where the two read one encoding.
            teacher_spans: `[batch, teacher length]`, the same numbering.

        Returns:
            `[rows]`, the mean over the layer pairs, one row per span that `shared_spans` marks, in its order.
        """
        num_spans = _num_spans(student_spans, teacher_spans)
        distances = []
        projections = cast(nn.ModuleList, self.projections[teacher])
        for (student_layer, teacher_layer), projection in zip(self.layer_map.items(), projections, strict=True):
            student, in_student = functional.mean_over_spans(student_states[student_layer], student_spans, num_spans)
            target, in_teacher = functional.mean_over_spans(teacher_states[teacher_layer], teacher_spans, num_spans)
            shared = in_student & in_teacher
            distances.append(functional.cosine_distance(projection(student[shared]), target[shared]))
        return torch.stack(distances).mean(dim=0)


def token_spans(attention_mask: Tensor) -> Tensor:
    """Spans `[batch, length]` of one encoding read by both models: each token that is not padding is its own."""
    return torch.arange(attention_mask.shape[1], device=attention_mask.device).where(attention_mask.bool(), -1)


def shared_spans(student_spans: Tensor, teacher_spans: Tensor) -> Tensor:
    """Mark the spans that have a token on both sides: the rows of `HiddenStateLoss`, known before any forward.

    Args:
        student_spans: `[batch, length]`.
        teacher_spans: `[batch, teacher length]`.

    Returns:
        bool `[batch, spans]`; its sum is the number of rows.
    """
    num_spans = _num_spans(student_spans, teacher_spans)
    student, teacher = (
        functional.mean_over_spans(torch.empty(*spans.shape, 0, device=spans.device), spans, num_spans)[1]
        for spans in (student_spans, teacher_spans)
    )
    return student & teacher


def _num_spans(student_spans: Tensor, teacher_spans: Tensor) -> int:
    return int(max(student_spans.max(), teacher_spans.max())) + 1


def _projection(student_size: int, teacher_size: int) -> nn.Module:
    return nn.Identity() if student_size == teacher_size else nn.Linear(student_size, teacher_size, bias=False)


def _expect_layers(model: str, layers: int, indices: Collection[int]) -> None:
    absent = [index for index in indices if not -layers - 1 <= index <= layers]
    if absent:
        raise ValueError(
            f"layer_map names the hidden states {absent} of {model}, which has {layers} layers, so its hidden states "
            f"are 0 (embeddings) to {layers}, or -1 (the last) to {-layers - 1}. Choose among these."
        )


def _expect_one_of(name: str, value: str, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(allowed)}, but is {value!r}.")


def _expect_shape(name: str, tensor: Tensor, shape: Sequence[int]) -> None:
    if tensor.shape != torch.Size(shape):
        raise ValueError(
            f"SoftTargetLoss expects {name} of shape {list(shape)} (teachers first, then the student's rows and "
            f"classes), but got {list(tensor.shape)}. Select the same rows for every model, and align the classes."
        )
