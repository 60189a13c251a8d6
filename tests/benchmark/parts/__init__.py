"""The third part: what is no step; each beside an obvious baseline, in one process, in turn."""

from collections.abc import Callable
from pathlib import Path

from ..settings import Settings
from .collating import collating
from .encoding import encoding
from .evaluation import evaluation
from .loyalty import loyalty
from .timing import Pair, compare


def measure_parts(settings: Settings, folder: Path, say: Callable[[str], None]) -> dict[str, dict[str, float]]:
    """Measure every part.

    Returns:
        What -> `value`, `baseline`, `unit`, `ratio` (time of ours over that of the baseline).
    """
    figures = {}
    for make in (encoding, collating, loyalty, evaluation):
        for name, pair in make(settings, folder).items():
            figures[name] = compare(pair, settings.rounds)
            say(f"{name}: {figures[name]['ratio']:.2f} times the baseline")
    return figures


__all__ = ["Pair", "measure_parts"]
