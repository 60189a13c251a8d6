"""Distil one student from several Hugging Face teachers, each reading the text through its own tokenizer."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

try:
    from .metrics.evaluate_hook import install as _let_evaluate_find_loyalty
except ModuleNotFoundError:  # installed: the module stands beside the package, for the start-up file
    from hf_multiteacher_evaluate_hook import install as _let_evaluate_find_loyalty  # type: ignore[no-redef]

from .moved import install as _let_old_paths_load
from .version import __version__

_MODULE_OF = {
    "MultiTeacherDistillationTrainer": "trainer",
    "DistillationTrainingArguments": "training_args",
    "DataCollatorForDistillation": "collation",
    "MultiTokenizer": "tokenization",
    "Teacher": "teachers",
    "TeacherEnsemble": "teachers",
    "student_from_teacher": "models",
    "trim_tokenizer": "tokenization",
    "LoyaltyMetric": "metrics.loyalty.loyalty",
}
__all__ = [
    "DataCollatorForDistillation",
    "DistillationTrainingArguments",
    "LoyaltyMetric",
    "MultiTeacherDistillationTrainer",
    "MultiTokenizer",
    "Teacher",
    "TeacherEnsemble",
    "__version__",
    "student_from_teacher",
    "trim_tokenizer",
]

_let_evaluate_find_loyalty()
_let_old_paths_load()

if TYPE_CHECKING:
    from .collation import DataCollatorForDistillation
    from .metrics.loyalty.loyalty import LoyaltyMetric
    from .models import student_from_teacher
    from .teachers import Teacher, TeacherEnsemble
    from .tokenization import MultiTokenizer, trim_tokenizer
    from .trainer import MultiTeacherDistillationTrainer
    from .training_args import DistillationTrainingArguments


def __getattr__(name: str) -> Any:
    """Import a public name on first use, so that importing the package stays cheap."""
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'hf_multiteacher' has no attribute '{name}'")
    return getattr(import_module(f".{_MODULE_OF[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted(__all__)
