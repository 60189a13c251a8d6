"""Soft and hard loss of single-label rows together, in chunks of rows, with the gradient made on the way.

It says what `SoftTargetLoss` and `HardLabelLoss` say, in fewer passes over a vocabulary and without a copy of all the
logits: what one chunk needs is thrown away before the next.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from math import ceil
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from .functional import IGNORED_LABEL, LOG_ZERO, cross_entropy, divergence, weighted_mean
from .functional.numerics import full_precision
from .problem import Ensemble

ONE_CHUNK, ROWS_AT_ONCE = 512, 256
"""So many rows are one chunk on a GPU; more are split evenly into chunks of so many at most."""
CPU_ENTRIES = 1 << 18
"""Entries of a chunk on a CPU: 1 MB of float32, which its caches keep from one pass to the next."""

Scale = Tensor | float
Weigh = Callable[[list[Tensor], list[Tensor] | None, Tensor], Tensor]
"""Teacher logits, labels in each teacher's outcomes (None without labels), availability -> `[teachers, rows]`."""


class Coarsening(Protocol):
    """How the vocabularies of a student and a teacher become outcomes that the two share."""

    def of_student(self, logits: Tensor) -> Tensor:
        """Return log-probabilities `[rows, outcomes]` of logits `[rows, entries]`."""

    def of_teacher(self, logits: Tensor) -> Tensor:
        """Return the same of a teacher's logits."""

    def of_labels(self, labels: Tensor) -> Tensor:
        """Return the outcomes of labels `[rows]`; -100 stays."""

    def shared_mass(self, teacher_log_probabilities: Tensor) -> Tensor:
        """Return the probability `[rows]` that a teacher gives to what the two share."""


@dataclass(frozen=True)
class RowTargets:
    """What the rows of a batch are compared with.

    Args:
        teacher_logits: One `[rows, entries]` per teacher.
        coarsenings: One per teacher; None where it speaks of the student's own entries.
        followed: `[teachers, rows]`, bool, which teachers have a row and a weight above 0.
        leaders: For each teacher whether it is followed on any row.
        labels: `[rows]`, -100 for none; None where the batch has none.
        weights: `[teachers, rows]`; None to have the loss weigh the teachers chunk by chunk.
    """

    teacher_logits: Sequence[Tensor]
    coarsenings: Sequence[Coarsening | None]
    followed: Tensor
    leaders: Sequence[bool]
    labels: Tensor | None
    weights: Tensor | None = None

    def chunk(self, rows: slice) -> "RowTargets":
        """Return what belongs to some of the rows."""
        return RowTargets(
            [logits[rows] for logits in self.teacher_logits],
            self.coarsenings,
            self.followed[:, rows],
            self.leaders,
            None if self.labels is None else self.labels[rows],
            None if self.weights is None else self.weights[:, rows],
        )


@dataclass(frozen=True)
class RowLosses:
    """What was found on the rows, without a gradient; rows are the last dimension.

    Attributes:
        soft: T² · KL(teachers ‖ student); 0 where no teacher is followed.
        hard: Cross entropy with the label; 0 where there is none, or where nobody asked.
        each: `[teachers, rows]`, T² · KL of each teacher alone.
        weights: `[teachers, rows]`.
        shared: `[teachers, rows]`, the probability that a teacher gives to what it shares with the student.
        sound: `[teachers, rows]`, bool, whether a teacher gives a distribution.
    """

    soft: Tensor
    hard: Tensor
    each: Tensor
    weights: Tensor
    shared: Tensor
    sound: Tensor


@dataclass(frozen=True)
class JointLoss:
    """`soft_scale · soft + hard_scale · hard` of every row.

    Args:
        temperature: T > 0.
        ensemble: How several teachers become one target.
        weigh: Weighs the teachers, where their weights are not given; called once per chunk.
        label_smoothing: ε of the hard loss.
    """

    temperature: float
    ensemble: Ensemble
    weigh: Weigh
    label_smoothing: float = 0.0

    def __call__(
        self, student_logits: Tensor, targets: RowTargets, soft_scale: Scale, hard_scale: Scale | None
    ) -> tuple[Tensor, RowLosses]:
        """Compute the losses of all rows.

        Args:
            student_logits: `[rows, entries]`.
            targets: What they are compared with.
            soft_scale: What the soft loss counts; a number without a gradient.
            hard_scale: Likewise; None leaves the hard loss out.

        Returns:
            `[rows]`, the weighed sum, which has a gradient; and its parts, which have none.
        """
        loss, *parts = _WithGradient.apply(student_logits, self, targets, soft_scale, hard_scale)
        return loss, RowLosses(*parts)


class _WithGradient(torch.autograd.Function):
    """Gives the losses, and to the backward pass the gradient that was made with them."""

    @staticmethod
    def forward(
        ctx: Any,
        student_logits: Tensor,
        loss: JointLoss,
        targets: RowTargets,
        soft_scale: Scale,
        hard_scale: Scale | None,
    ) -> Any:
        """Compute the losses chunk by chunk, and the gradient of their weighed sum."""
        # In full precision: half precision would round it before a loss scale, of up to 2**16, comes to it.
        gradient = torch.empty_like(student_logits, dtype=torch.promote_types(student_logits.dtype, torch.float32))
        found = []
        for rows in chunks(student_logits):
            chunk = _Chunk(loss, full_precision(student_logits[rows]), targets.chunk(rows))
            found.append(chunk.losses(with_hard=hard_scale is not None))
            gradient[rows] = chunk.gradient(soft_scale, hard_scale)

        parts = [torch.cat([getattr(each, part.name) for each in found], dim=-1) for part in fields(RowLosses)]
        soft, hard, *_ = parts

        ctx.save_for_backward(gradient)
        ctx.dtype = student_logits.dtype
        ctx.mark_non_differentiable(*parts)
        return soft_scale * soft + (0 if hard_scale is None else hard_scale) * hard, *parts

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *upstream: Tensor) -> Any:
        """Scale each row of the gradient that is there."""
        (gradient,) = ctx.saved_tensors
        scaled = gradient * upstream[0][:, None].to(gradient.dtype)
        return scaled.to(ctx.dtype), None, None, None, None


def chunks(logits: Tensor) -> list[slice]:
    """Split the rows of logits `[rows, entries]` evenly; no rows are one chunk of none."""
    rows, entries = logits.shape
    most = rows if rows <= ONE_CHUNK else ROWS_AT_ONCE
    if logits.device.type == "cpu":
        most = CPU_ENTRIES // entries

    size = max(1, ceil(rows / max(1, ceil(rows / max(1, most)))))
    return [slice(start, start + size) for start in range(0, max(1, rows), size)]


@dataclass(frozen=True)
class _Pair:
    """A teacher and the student in the outcome space of the two.

    Attributes:
        logits: The teacher's, at T = 1, `[rows, outcomes]`.
        logs: Its tempered log-probabilities.
        probabilities: Likewise.
        coarse: The student's log-probabilities at T = 1, with a way back to its logits; None in its own space.
        student_logs: The student's tempered log-probabilities.
        student_probabilities: Likewise.
    """

    logits: Tensor
    logs: Tensor
    probabilities: Tensor
    coarse: Tensor | None
    student_logs: Tensor
    student_probabilities: Tensor

    def divergence(self) -> Tensor:
        """KL(teacher ‖ student) of the tempered distributions, `[rows]`."""
        return divergence(self.logs, self.probabilities, self.student_logs, self.student_probabilities)

    def sound(self) -> Tensor:
        """Whether the teacher gives a distribution: one logit that is NaN or too large makes all of them NaN."""
        return ~self.logs[:, 0].isnan()


class _Chunk:
    """Some rows of a batch: their losses, and then the gradient, from what these have needed."""

    def __init__(self, loss: JointLoss, student: Tensor, targets: RowTargets) -> None:
        self.loss, self.targets = loss, targets
        self.student = student.detach()

        self.logs = self._tempered(self.student)
        self.probabilities = self.logs.exp()
        self.pairs = [self._pair(*pair) for pair in zip(targets.teacher_logits, targets.coarsenings, strict=True)]
        self.weights = self._weigh()
        self.target, self.told = self._join()

    def losses(self, *, with_hard: bool) -> RowLosses:
        """Compute the losses; the gradient may be asked for once, after them."""
        labels = self.targets.labels if with_hard else None
        scale = self.loss.temperature**2

        each = torch.stack([pair.divergence() for pair in self.pairs]) * scale
        soft = weighted_mean(each, self.weights) if self._separate else self._divergence_from_all() * scale

        return RowLosses(
            soft=soft.masked_fill(self.weights.sum(dim=0) == 0, 0.0),
            hard=torch.zeros_like(soft) if labels is None else self._hard(labels),
            each=each,
            weights=self.weights,
            shared=torch.stack([*self._shared()]),
            sound=torch.stack([pair.sound() for pair in self.pairs]),
        )

    def gradient(self, soft_scale: Scale, hard_scale: Scale | None) -> Tensor:
        """Compute the gradient of the weighed sum in the student's logits, `[rows, entries]`."""
        gradient = self._soft_gradient().mul_(soft_scale * self.loss.temperature)
        if self.targets.labels is not None and hard_scale is not None:
            self._add_hard_gradient(gradient, self.targets.labels, hard_scale)

        return gradient

    # ---- What is compared ----

    def _tempered(self, logits: Tensor) -> Tensor:
        """Return tempered log-probabilities; what is impossible is `LOG_ZERO`."""
        # As `finite` has it, in a quarter of the time.
        return torch.log_softmax(logits * (1 / self.loss.temperature), dim=-1).clamp_(min=LOG_ZERO)

    def _pair(self, teacher: Tensor, coarsening: Coarsening | None) -> _Pair:
        if coarsening is None:
            logits = full_precision(teacher)
            logs = self._tempered(logits)
            return _Pair(logits, logs, logs.exp(), None, self.logs, self.probabilities)

        with torch.enable_grad():
            coarse = coarsening.of_student(self.student.requires_grad_())
        student_logs = self._tempered(coarse.detach())

        logits = coarsening.of_teacher(teacher)
        logs = self._tempered(logits)
        return _Pair(logits, logs, logs.exp(), coarse, student_logs, student_logs.exp())

    def _weigh(self) -> Tensor:
        if self.targets.weights is not None:
            return self.targets.weights

        gold = None if self.targets.labels is None else [*self._gold(self.targets.labels)]
        return self.loss.weigh([pair.logits for pair in self.pairs], gold, self.targets.followed)

    def _gold(self, labels: Tensor) -> Iterator[Tensor]:
        for coarsening in self.targets.coarsenings:
            yield labels if coarsening is None else coarsening.of_labels(labels)

    def _shared(self) -> Iterator[Tensor]:
        for pair, coarsening in zip(self.pairs, self.targets.coarsenings, strict=True):
            yield torch.ones_like(pair.logits[:, 0]) if coarsening is None else coarsening.shared_mass(pair.logits)

    # ---- Soft ----

    @property
    def _separate(self) -> bool:
        return self.loss.ensemble == "per_teacher"

    def _join(self) -> tuple[Tensor, Tensor]:
        """Return what the teachers in the student's own space say together, weighed, and the sum of their weights.

        Returns:
            `[rows, entries]`, tempered probabilities times their weights, and `[rows]`.
        """
        own = [
            (pair, weights)
            for pair, weights, leads in zip(self.pairs, self.weights, self.targets.leaders, strict=True)
            if leads and pair.coarse is None
        ]
        told = sum((weights for _, weights in own), torch.zeros_like(self.student[:, 0]))
        if own and self.loss.ensemble == "logits":
            logits, weights = (
                torch.stack(each) for each in zip(*((pair.logits, weights) for pair, weights in own), strict=True)
            )
            return self._tempered(weighted_mean(logits, weights)).exp_().mul_(told[:, None]), told

        joined = torch.zeros_like(self.student)
        for pair, weights in own:
            joined.addcmul_(pair.probabilities, weights[:, None])
        return joined, told

    def _divergence_from_all(self) -> Tensor:
        logs = self.target.clamp(min=torch.finfo(self.target.dtype).tiny).log_()
        return divergence(logs, self.target, self.logs, self.probabilities)

    def _soft_gradient(self) -> Tensor:
        """Gradient of T · KL, as T² · KL has it T times over."""
        if self._has_impossible():
            self.target.mul_(self.logs > LOG_ZERO)
            self.told = self.target.sum(dim=-1)
        gradient = torch.addcmul(-self.target, self.probabilities, self.told[:, None])

        for pair, weights, leads in zip(self.pairs, self.weights, self.targets.leaders, strict=True):
            if leads and pair.coarse is not None:
                slope = (pair.student_probabilities - pair.probabilities) * weights[:, None]
                gradient += torch.autograd.grad(pair.coarse, self.student, slope)[0]

        return gradient

    def _has_impossible(self) -> bool:
        """Whether the student's logits may hold minus infinity, which has no gradient; a GPU is not waited for."""
        return self.logs.is_cuda or bool(self.logs.numel() and self.logs.amin() <= LOG_ZERO)

    # ---- Hard ----

    def _hard(self, labels: Tensor) -> Tensor:
        return cross_entropy(self.student.detach(), labels, self.loss.label_smoothing)

    def _add_hard_gradient(self, gradient: Tensor, labels: Tensor, scale: Scale) -> None:
        """Add softmax minus the smoothed label, on labelled rows."""
        smoothing = self.loss.label_smoothing
        scales = scale * (labels != IGNORED_LABEL).to(gradient.dtype)[:, None]

        gradient.addcmul_(torch.softmax(self.student.detach(), dim=-1), scales)
        gradient.scatter_add_(1, labels.clamp(min=0)[:, None], (smoothing - 1) * scales)
        if smoothing:
            gradient -= smoothing / gradient.shape[1] * scales
