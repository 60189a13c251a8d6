"""Who teaches: described, loaded, checked and frozen."""

from .ensemble import LoadedTeacher, TeacherEnsemble
from .teacher import Teacher

__all__ = [
    "LoadedTeacher",
    "Teacher",
    "TeacherEnsemble",
]
