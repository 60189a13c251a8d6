"""What was found before a training, line by line: fine, to be looked at, or in the way."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from math import isfinite
from pathlib import Path
from textwrap import fill
from typing import Any, Literal

from ...whole_file import write_text

Level = Literal["ok", "warning", "stop"]
LEVELS: tuple[Level, ...] = ("ok", "warning", "stop")
WIDTH, INDENT = 80, 9


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        topic: What, such as `memory`.
        says: What was found, in a sentence.
        level: `ok`, `warning` (the training runs, but look at it) or `stop` (it would fail, or learn nothing).
        do: What helps; empty where nothing need be done.
        figures: What was measured, by name: counts, shares from 0 to 1, seconds, bytes.
    """

    topic: str
    says: str
    level: Level = "ok"
    do: str = ""
    figures: Mapping[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        first = fill(f"{self.level:<{INDENT - 1}} {self.topic}: {self.says}", WIDTH, subsequent_indent=" " * INDENT)
        then = fill(f"-> {self.do}", WIDTH, initial_indent=" " * INDENT, subsequent_indent=" " * (INDENT + 3))
        return f"{first}\n{then}" if self.do else first


class Preflight(Sequence[Finding]):
    """All that was found; printed, a line or two for each.

    Args:
        findings: In the order in which they are told.
    """

    def __init__(self, findings: Iterable[Finding]) -> None:
        self._findings = [*findings]

    def __getitem__(self, index: Any) -> Any:
        return self._findings[index]

    def __len__(self) -> int:
        return len(self._findings)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self._findings)

    def __str__(self) -> str:
        counts = ", ".join(f"{sum(each.level == level for each in self)} {level}" for level in LEVELS)
        return "\n".join([*map(str, self), f"{self.level}: {counts}"])

    @property
    def level(self) -> Level:
        """The worst level of all."""
        return max((each.level for each in self), key=LEVELS.index, default="ok")

    @property
    def figures(self) -> dict[str, float]:
        """Everything that was measured, by name."""
        return {name: value for each in self for name, value in each.figures.items()}

    def write(self, path: str | Path) -> None:
        """Write all findings as JSON: `level`, and `findings` with the fields of `Finding`.

        Raises:
            OSError: The file cannot be written.
        """
        content = {"level": self.level, "findings": [_with_finite_figures(asdict(each)) for each in self]}
        write_text(path, f"{json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)}\n")


def _with_finite_figures(finding: dict[str, Any]) -> dict[str, Any]:
    figures = {name: value if isfinite(value) else None for name, value in finding["figures"].items()}
    return {**finding, "figures": figures}


def in_words(seconds: float) -> str:
    """Write a time as people read it.

    Example:
        >>> in_words(0.25), in_words(95), in_words(600), in_words(9000)
        ('0.25 s', '95 s', '10 min', '2.5 h')
    """
    if seconds < 10:
        return f"{seconds:.2g} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def percent(share: float) -> str:
    """Write a share; one that is not none is never written as 0.

    Example:
        >>> percent(0.5), percent(0.0001), percent(0.0)
        ('50 %', '0.01 %', '0 %')
    """
    return f"{100 * share:.0f} %" if share in (0, 1) or share >= 0.01 else f"{100 * share:.2g} %"
