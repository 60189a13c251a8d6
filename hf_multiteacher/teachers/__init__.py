"""Who teaches: described, loaded, checked and frozen."""

from .ensemble import ENSEMBLE, TeacherEnsemble
from .loaded_teacher import LoadedTeacher, weight_fingerprint
from .teacher import Teacher

__all__ = [
    "ENSEMBLE",
    "LoadedTeacher",
    "Teacher",
    "TeacherEnsemble",
    "weight_fingerprint",
]
