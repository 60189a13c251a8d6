"""Teachers' outputs on disk: computed once, read in every later epoch, run, seed and student."""

from .damage import DamagedCacheError
from .store import Store
from .teacher_cache import TeacherCache

__all__ = ["DamagedCacheError", "Store", "TeacherCache"]
