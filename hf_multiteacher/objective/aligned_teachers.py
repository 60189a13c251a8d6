"""The teachers as one student sees them: what each says on the student's rows, in outcomes that the two share."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from ..models.outputs import HiddenStates
from ..models.task import task_of
from ..teachers.ensemble import TeacherEnsemble
from ..teachers.kept_outputs import Asked
from ..teachers.loaded_teacher import LoadedTeacher
from ..tokenization.encoder import count_entries
from ..tokenization.multi_tokenizer import MultiTokenizer
from .components import expect_shape
from .outcomes import Outcomes
from .row_sets import each_span_once, hidden_spans
from .rows import Inputs, Rows, teacher_inputs

Spans = tuple[Tensor, Tensor]
Answer = tuple[Tensor, HiddenStates | Mapping[int, Tensor] | None, Spans | None]
Weigh = Callable[[list[Tensor], list[Tensor] | None, Tensor], Tensor]
"""The trainer's `compute_teacher_weights`: teacher logits, labels, availability -> weights."""


@dataclass(frozen=True)
class TeacherOutputs:
    """What the teachers say on the student's rows.

    Args:
        logits: One [rows, outcomes of the teacher] per teacher; zeros where it does not have the row.
        hidden_states: For each teacher all layers [batch, teacher length, hidden], or those that are compared by their
            number; None where nobody asked.
        spans: The spans of the student's tokens, and those of what the teacher's hidden states are of; likewise.
    """

    logits: list[Tensor]
    hidden_states: list[HiddenStates | Mapping[int, Tensor] | None]
    spans: list[Spans | None]

    def silent(self, on: Tensor) -> "TeacherOutputs":
        """Return the same with zeros where a teacher's answer is not wanted; bool [teachers, rows]."""
        logits = [each.masked_fill(rows[:, None], 0.0) for each, rows in zip(self.logits, on, strict=True)]
        return replace(self, logits=logits)


@dataclass(frozen=True)
class SoftTargets:
    """Student and teachers side by side on the rows, for each teacher in the outcomes that the two share.

    Args:
        student: The student's logits over its own outcomes; [rows, outcomes of the student].
        student_logits: Logits or coarsened log-probabilities; one [rows, outcomes] per teacher.
        teacher_logits: Likewise.
        available: Which teacher has which row; bool [teachers, rows].
        followed: The same without the teachers of weight 0, which are only measured.
        weights: The weight of each teacher on each row; [teachers, rows].
        has: Where each teacher's part of `available` is true; one int64 per teacher.
        taught: Where any teacher's part of `followed` is true; int64.
    """

    student: Tensor
    student_logits: list[Tensor]
    teacher_logits: list[Tensor]
    available: Tensor
    followed: Tensor
    weights: Tensor
    has: tuple[Tensor, ...]
    taught: Tensor


def sources_of(multi_tokenizer: MultiTokenizer | None, teachers: int) -> list[int | None]:
    """Tell for each teacher the number in its columns' names; None where it reads the student's encoding.

    Args:
        multi_tokenizer: None where nobody has a tokenizer, so that all read one encoding.
        teachers: How many there are.
    """
    return [None if multi_tokenizer is None else multi_tokenizer.source_of(teacher) for teacher in range(teachers)]


class AlignedTeachers:
    """The teachers of a run, the encoding each of them reads, and the outcomes each shares with the student.

    Args:
        student: The student, PEFT-wrapped or not.
        teachers: The loaded teachers.
        multi_tokenizer: Knows which encoding each teacher reads; None where all read the student's.
        weights: One number per teacher; equal ones when None.
        device: Where the student is.

    Raises:
        ValueError: The weights are not as many as the teachers.
    """

    def __init__(
        self,
        student: nn.Module,
        teachers: TeacherEnsemble,
        multi_tokenizer: MultiTokenizer | None,
        weights: Sequence[float] | None,
        device: torch.device,
    ) -> None:
        self.teachers = teachers
        self.names = teachers.names
        self._device = device
        self.set_weights(weights)
        self.sources = sources_of(multi_tokenizer, len(teachers))
        self.student_tokenizer = None if multi_tokenizer is None else multi_tokenizer.student_tokenizer

        known = multi_tokenizer if task_of(student).over_vocabulary else None
        self._entries = None if known is None else count_entries(known.student_tokenizer)
        self.outcomes: list[Outcomes | None] = [
            self._over_labels(teacher, device)
            if known is None or source is None
            else Outcomes.between(known.shared_vocabulary(source), student, teacher.model, device)
            for source, teacher in zip(self.sources, teachers, strict=True)
        ]

    @staticmethod
    def _over_labels(teacher: LoadedTeacher, device: torch.device) -> Outcomes | None:
        return None if teacher.shared_labels is None else Outcomes.between_labels(teacher.shared_labels, device)

    def set_weights(self, weights: Sequence[float] | None) -> None:
        """Give the teachers other weights, scaled to sum to 1; equal ones when None."""
        if weights is not None and len(weights) != len(self.names):
            raise ValueError(
                f"teacher_weights expects one number for each of the teachers {self.names}, got {weights}."
            )

        each = weights or [1] * len(self.names)
        self.weights = [weight / sum(each) for weight in each]
        # Made here: a GPU would wait for them in a step.
        self.fixed_weights = torch.tensor(self.weights, device=self._device)
        self.followed_at_all = torch.tensor(self.followed, device=self._device)

    @property
    def one_outcome_space(self) -> bool:
        """Whether every teacher speaks of the student's own outcomes."""
        return all(outcomes is None for outcomes in self.outcomes)

    @property
    def followed(self) -> list[bool]:
        """Which teachers the student follows; those of weight 0 are only measured."""
        return [weight > 0 for weight in self.weights]

    @property
    def source_of(self) -> dict[str, int | None]:
        """Teacher name -> None where it reads the student's encoding, else the number in its columns' names."""
        return dict(zip(self.names, self.sources, strict=True))

    @property
    def weight_of(self) -> dict[str, float]:
        """Teacher name -> its fixed weight."""
        return dict(zip(self.names, self.weights, strict=True))

    def forward(self, inputs: Inputs, rows: Rows, output_hidden_states: bool) -> TeacherOutputs:
        """Run every teacher once on a batch."""
        outputs = [self._forward(teacher, inputs, rows, output_hidden_states) for teacher in range(len(self.names))]
        return TeacherOutputs(*([*each] for each in zip(*outputs, strict=True)))

    def _forward(self, teacher: int, inputs: Inputs, rows: Rows, output_hidden_states: bool) -> Answer:
        source = self.sources[teacher]
        spans = hidden_spans(inputs, source) if output_hidden_states else None
        own = rows.tokens_of[teacher]
        if own is None:
            return self._ask(teacher, teacher_inputs(inputs, source), rows.tokens, rows.index, spans)

        own_logits, states, spans = self._ask(teacher, teacher_inputs(inputs, source), own.wanted, own.index, spans)

        logits = own_logits.new_zeros(len(rows.index), own_logits.shape[-1])
        logits.index_copy_(0, rows.has[teacher], own_logits.index_select(0, own.place))
        return logits, states, spans

    def _ask(self, teacher: int, read: Inputs, tokens: Tensor | None, index: Tensor, spans: Spans | None) -> Answer:
        """Run a teacher, or have it recall what it once said."""
        if not self.teachers.kept:
            logits, states = self.teachers.forward(teacher, read, tokens, spans is not None, row_index=index)
            return logits, states, spans

        logits, means = self.teachers.recall(teacher, Asked(read, tokens, spans and spans[1]))
        return logits, means, spans and (spans[0], each_span_once(spans[1]))

    def align(self, rows: Rows, student_logits: Tensor, teacher_logits: Sequence[Tensor], weigh: Weigh) -> SoftTargets:
        """Bring student and teachers to shared outcomes, and weigh the teachers there.

        Args:
            rows: The batch's rows.
            student_logits: [rows, outcomes of the student].
            teacher_logits: As in `TeacherOutputs`.
            weigh: The trainer's `compute_teacher_weights`.
        """
        width = self.shared_width(student_logits, teacher_logits)
        student, teachers = [], []
        for logits, outcomes in zip(teacher_logits, self.outcomes, strict=True):
            student.append(student_logits[:, :width] if outcomes is None else outcomes.of_student(student_logits))
            teachers.append(logits[:, :width] if outcomes is None else outcomes.of_teacher(logits))

        followed = self.followed_on(rows)
        weights = weigh(teachers, self._labels(rows.labels), followed)
        expect_shape("compute_teacher_weights", weights, *followed.shape)

        available = self.available(rows)
        return SoftTargets(student_logits, student, teachers, available, followed, weights, rows.has, rows.taught)

    def available(self, rows: Rows) -> Tensor:
        """Return which teacher has which row; bool [teachers, rows]."""
        return rows.available.flatten(1).index_select(1, rows.index)

    def followed_on(self, rows: Rows) -> Tensor:
        """Return the same without the teachers of weight 0."""
        return self.available(rows) & self.followed_at_all[:, None]

    def shared_width(self, student_logits: Tensor, teacher_logits: Sequence[Tensor]) -> int | None:
        """Return how many of the logits over the student's vocabulary are compared; None for all.

        Heads over one vocabulary may be padded to different widths: then the entries that the tokenizer does not have
        take no part, in any of them, so that they keep one outcome space.
        """
        same = [logits for logits, outcomes in zip(teacher_logits, self.outcomes, strict=True) if outcomes is None]
        widths = {logits.shape[-1] for logits in (student_logits, *same)}
        return self._entries if len(widths) > 1 else None

    def _labels(self, labels: Tensor | None) -> list[Tensor] | None:
        """Bring the labels to each teacher's outcomes."""
        if labels is None:
            return None
        return [labels if outcomes is None else outcomes.of_labels(labels) for outcomes in self.outcomes]
