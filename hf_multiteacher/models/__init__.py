"""What student and teachers have in common, and how a student is made."""

from .heads import SelectedHead, task_of
from .student import student_from_teacher

__all__ = [
    "SelectedHead",
    "student_from_teacher",
    "task_of",
]
