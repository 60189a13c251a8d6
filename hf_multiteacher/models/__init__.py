"""What student and teachers have in common, and how a student is made."""

from .heads import SelectedHead
from .student import student_from_teacher
from .task import task_of

__all__ = [
    "SelectedHead",
    "student_from_teacher",
    "task_of",
]
