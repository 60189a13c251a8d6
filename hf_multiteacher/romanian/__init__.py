"""The seven Romanian tasks of the paper, their readers, and the synthetic corpus."""

from importlib import import_module
from typing import Any

_MODULE_OF = {
    "Task": "tasks",
    "load_task": "loading",
    "describe": "description",
    "format_descriptions": "description",
    "compute_task_metrics": "metrics",
    "trainer_metrics": "metrics",
    "REFERENCE": "reference",
    "split_long_sentences": "windows",
    "merge_windows": "windows",
    "write_conllu": "conllu",
    "write_ronec": "readers",
    "generate_sentences": "synthetic",
    "generate_pairs": "synthetic",
    "generate_corpus": "synthetic",
}
__all__ = list(_MODULE_OF)  # noqa: PLE0605


def __getattr__(name: str) -> Any:
    """Import a public name on first use, so that the generator does not wait for data set libraries."""
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'hf_multiteacher.romanian' has no attribute '{name}'")
    return getattr(import_module(f".{_MODULE_OF[name]}", __name__), name)
