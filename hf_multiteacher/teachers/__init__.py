"""Who teaches: described, loaded, checked and frozen."""

from .ensemble import LoadedTeacher, Teacher, TeacherEnsemble

__all__ = [
    "LoadedTeacher",
    "Teacher",
    "TeacherEnsemble",
]
