"""The seven Romanian tasks of the paper, their readers, and the synthetic corpus."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

_MODULE_OF = {
    "Task": "tasks",
    "load_task": "loading",
    "describe": "description",
    "format_descriptions": "description",
    "compute_task_metrics": "metrics",
    "read_predictions": "metrics",
    "trainer_metrics": "metrics",
    "split_long_sentences": "windows",
    "merge_windows": "windows",
    "write_conllu": "predictions",
    "write_ronec": "predictions",
    "generate_sentences": "synthetic",
    "generate_pairs": "synthetic",
    "generate_corpus": "synthetic",
}
__all__ = [
    "Task",
    "compute_task_metrics",
    "describe",
    "format_descriptions",
    "generate_corpus",
    "generate_pairs",
    "generate_sentences",
    "load_task",
    "merge_windows",
    "read_predictions",
    "split_long_sentences",
    "trainer_metrics",
    "write_conllu",
    "write_ronec",
]

if TYPE_CHECKING:
    from .description import describe, format_descriptions
    from .loading import load_task
    from .metrics import compute_task_metrics, read_predictions, trainer_metrics
    from .predictions import write_conllu, write_ronec
    from .synthetic import generate_corpus, generate_pairs, generate_sentences
    from .tasks import Task
    from .windows import merge_windows, split_long_sentences


def __getattr__(name: str) -> Any:
    """Import a public name on first use, so that the generator does not wait for the libraries of data sets."""
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'hf_multiteacher.romanian' has no attribute '{name}'")
    return getattr(import_module(f".{_MODULE_OF[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted(__all__)
