"""What a student and one of its teachers both choose from: labels, or the vocabulary entries that the two share."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..losses.functional import coarsen
from ..models.task import without_adapters
from ..teachers.shared_labels import SharedLabels
from ..tokenization.vocabulary import SharedVocabulary


@dataclass(frozen=True)
class Outcomes:
    """The outcome of every vocabulary entry, or label, of the student and of a teacher.

    Args:
        student: int64 [student vocabulary, or labels]; 0 is the outcome "other".
        teacher: int64 [teacher vocabulary, or labels].
        count: Number of outcomes.
        left_out: Entries of the student and of the teacher that take no part, bool, one for each of the above; None
            for none.
    """

    student: Tensor
    teacher: Tensor
    count: int
    left_out: tuple[Tensor, Tensor] | None = None

    @classmethod
    def between(
        cls, shared: SharedVocabulary, student: nn.Module, teacher: nn.Module, device: torch.device
    ) -> "Outcomes":
        """Bring shared outcomes to the device; logits beyond a tokenizer's last entry are the outcome "other"."""
        sizes = [without_adapters(model).config.vocab_size for model in (student, teacher)]
        return cls(
            _padded(shared.student_outcomes, sizes[0]).to(device),
            _padded(shared.teacher_outcomes, sizes[1]).to(device),
            shared.num_outcomes,
        )

    @classmethod
    def between_labels(cls, shared: SharedLabels, device: torch.device) -> "Outcomes":
        """Bring the outcomes of labels to the device.

        "Other" is compared where both sides have labels that are. Where only one has, the other cannot answer it: a
        teacher without such a label says nothing of what it does not know, and all that is left is compared by itself.
        """
        student, teacher = shared.student.to(device), shared.teacher.to(device)
        others = student == 0, teacher == 0
        return cls(student, teacher, shared.count, None if all(side.any() for side in others) else others)

    def of_student(self, logits: Tensor) -> Tensor:
        """Return log-probabilities [rows, outcomes] of the student's logits [rows, vocabulary]."""
        return coarsen(self._without(0, logits), self.student, self.count)

    def of_teacher(self, logits: Tensor) -> Tensor:
        """Return log-probabilities [rows, outcomes] of the teacher's logits [rows, vocabulary]."""
        return coarsen(self._without(1, logits), self.teacher, self.count)

    def shared_mass(self, teacher_log_probabilities: Tensor) -> Tensor:
        """Return the probability [rows] that the teacher gives to shared outcomes; the rest is "other"."""
        return 1 - teacher_log_probabilities[:, 0].exp()

    def of_labels(self, labels: Tensor) -> Tensor:
        """Return the outcomes of the student's gold tokens [rows]; -100 stays -100."""
        return self.student[labels.clamp(min=0)].where(labels >= 0, labels)

    def _without(self, side: int, logits: Tensor) -> Tensor:
        """Return logits [rows, entries] with those that take no part as impossible."""
        return logits if self.left_out is None else logits.masked_fill(self.left_out[side], -math.inf)


def _padded(outcomes: object, size: int) -> Tensor:
    entries = torch.zeros(size, dtype=torch.long)
    known = torch.as_tensor(outcomes)[:size]
    entries[: len(known)] = known
    return entries
