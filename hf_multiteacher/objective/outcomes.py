"""What a student and one of its teachers both choose from: labels, or the vocabulary entries that the two share."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..losses.functional import coarsen
from ..models.task import without_adapters
from ..tokenization.vocabulary import SharedVocabulary


@dataclass(frozen=True)
class Outcomes:
    """The outcome of every vocabulary entry of the student and of a teacher.

    Args:
        student: int64 [student vocabulary]; 0 is the outcome "other".
        teacher: int64 [teacher vocabulary].
        count: Number of outcomes.
    """

    student: Tensor
    teacher: Tensor
    count: int

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

    def of_student(self, logits: Tensor) -> Tensor:
        """Return log-probabilities [rows, outcomes] of the student's logits [rows, vocabulary]."""
        return coarsen(logits, self.student, self.count)

    def of_teacher(self, logits: Tensor) -> Tensor:
        """Return log-probabilities [rows, outcomes] of the teacher's logits [rows, vocabulary]."""
        return coarsen(logits, self.teacher, self.count)

    def shared_mass(self, teacher_log_probabilities: Tensor) -> Tensor:
        """Return the probability [rows] that the teacher gives to shared outcomes; the rest is "other"."""
        return 1 - teacher_log_probabilities[:, 0].exp()

    def of_labels(self, labels: Tensor) -> Tensor:
        """Return the outcomes of the student's gold tokens [rows]; -100 stays -100."""
        return self.student[labels.clamp(min=0)].where(labels >= 0, labels)


def _padded(outcomes: object, size: int) -> Tensor:
    entries = torch.zeros(size, dtype=torch.long)
    known = torch.as_tensor(outcomes)[:size]
    entries[: len(known)] = known
    return entries
