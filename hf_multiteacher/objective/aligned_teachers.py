"""The teachers as one student sees them: what each says on the student's rows, in outcomes that the two share."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..models.task import task_of
from ..teachers.ensemble import TeacherEnsemble
from ..tokenization.multi_tokenizer import MultiTokenizer
from .outcomes import Outcomes
from .rows import Inputs, Rows, teacher_inputs, teacher_tokens

HiddenStates = tuple[Tensor, ...]


@dataclass(frozen=True)
class Answers:
    """What the teachers say on the student's rows.

    Args:
        logits: One [rows, outcomes of the teacher] per teacher; zeros where it does not have the row.
        hidden_states: For each teacher all layers [batch, teacher length, hidden], or None where nobody asked.
    """

    logits: list[Tensor]
    hidden_states: list[HiddenStates | None]


@dataclass(frozen=True)
class SoftTargets:
    """Student and teachers side by side on the rows, for each teacher in the outcomes that the two share.

    Args:
        student_logits: Logits or coarsened log-probabilities; one [rows, outcomes] per teacher.
        teacher_logits: Likewise.
        labels: The rows' labels in each teacher's outcomes; None where the batch has none.
        has: Which teacher has which row; bool [teachers, rows].
        takes_part: The same without the teachers of weight 0, which are only measured.
    """

    student_logits: list[Tensor]
    teacher_logits: list[Tensor]
    labels: list[Tensor] | None
    has: Tensor
    takes_part: Tensor


class TeacherPanel:
    """The teachers of a run, the encoding each of them reads, and the outcomes each shares with the student.

    Args:
        student: The student, PEFT-wrapped or not.
        teachers: The loaded teachers.
        multi_tokenizer: Knows which encoding each teacher reads.
        weights: One number per teacher; equal ones when None.
        device: Where the student is.

    Raises:
        ValueError: The weights are not as many as the teachers.
    """

    def __init__(
        self,
        student: nn.Module,
        teachers: TeacherEnsemble,
        multi_tokenizer: MultiTokenizer,
        weights: Sequence[float] | None,
        device: torch.device,
    ) -> None:
        self.teachers, self.names = teachers, teachers.names
        if weights is not None and len(weights) != len(teachers):
            raise ValueError(
                f"teacher_weights expects one number for each of the teachers {self.names}, got {weights}."
            )
        self.weights = (
            [weight / sum(weights) for weight in weights] if weights else [1 / len(teachers)] * len(teachers)
        )
        self.sources = [multi_tokenizer.source_of(teacher) for teacher in range(len(teachers))]
        coarse = task_of(student).over_vocabulary
        self.outcomes = [
            Outcomes.between(multi_tokenizer.shared_vocabulary(source), student, teacher.model, device)
            if coarse and source is not None
            else None
            for source, teacher in zip(self.sources, teachers, strict=True)
        ]

    @property
    def one_outcome_space(self) -> bool:
        """Whether every teacher speaks of the student's own outcomes."""
        return all(outcomes is None for outcomes in self.outcomes)

    @property
    def speaking(self) -> list[bool]:
        """Which teachers take part."""
        return [weight > 0 for weight in self.weights]

    def ask(self, inputs: Inputs, rows: Rows, output_hidden_states: bool) -> Answers:
        """Run every teacher once on a batch."""
        asked = [self._ask(teacher, inputs, rows, output_hidden_states) for teacher in range(len(self.names))]
        return Answers([logits for logits, _ in asked], [states for _, states in asked])

    def _ask(
        self, teacher: int, inputs: Inputs, rows: Rows, output_hidden_states: bool
    ) -> tuple[Tensor, HiddenStates | None]:
        source = self.sources[teacher]
        read = teacher_inputs(inputs, source)
        wanted, order = rows.tokens, None
        if wanted is not None and source is not None:
            wanted, order = teacher_tokens(inputs, source, rows.has[teacher])
        logits, states = self.teachers.forward(teacher, read, wanted, output_hidden_states)
        if output_hidden_states:
            expect_hidden_states(f"teacher '{self.names[teacher]}'", states)
        if order is not None:
            own_logits, logits = logits, logits.new_zeros(int(rows.mask.sum()), logits.shape[-1])
            logits[rows.has[teacher][rows.mask]] = own_logits[order]
        return logits, states

    def compare(self, rows: Rows, student_logits: Tensor, teacher_logits: Sequence[Tensor]) -> SoftTargets:
        """Bring student [rows, outcomes] and teachers to shared outcomes."""
        pairs = list(zip(teacher_logits, self.outcomes, strict=True))
        has, labels = rows.has[:, rows.mask], rows.labels
        return SoftTargets(
            [student_logits if outcomes is None else outcomes.of_student(student_logits) for _, outcomes in pairs],
            [logits if outcomes is None else outcomes.of_teacher(logits) for logits, outcomes in pairs],
            None
            if labels is None
            else [labels if outcomes is None else outcomes.of_labels(labels) for outcomes in self.outcomes],
            has,
            has & torch.tensor(self.speaking, device=has.device)[:, None],
        )


def expect_hidden_states(model: str, hidden_states: HiddenStates | None) -> None:
    """Refuse a model that answers without the hidden states that it was asked for.

    Raises:
        ValueError: There are none.
    """
    if hidden_states is None:
        raise ValueError(
            f"hidden_state_weight compares hidden states, but {model} gives none, so this part of the objective would "
            "silently be left out. Load it with from_pretrained (an unpickled model gives none), or set it to 0."
        )
