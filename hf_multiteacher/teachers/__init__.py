"""Who teaches: described, loaded, checked and frozen."""

from .ensemble import ENSEMBLE, TeacherEnsemble
from .fingerprint import weight_fingerprint
from .loaded_teacher import LoadedTeacher
from .teacher import Teacher

__all__ = [
    "ENSEMBLE",
    "LoadedTeacher",
    "Teacher",
    "TeacherEnsemble",
    "weight_fingerprint",
]
