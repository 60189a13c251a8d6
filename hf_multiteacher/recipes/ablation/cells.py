"""What is finished of an ablation: a file of figures and one of answers for each arm, task and seed."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import BadZipFile
from zlib import error as ZlibError

import numpy as np

from ...whole_file import write_text, write_whole
from ..results.settings import differing_settings
from .answered import Answered

MAPPINGS = ("settings", "quality", "loyalty", "teachers", "sizes")
NAME = re.compile(r"[\w.+ ,()=-]+")
Figures = dict[str, float]


@dataclass(frozen=True)
class Cell:
    """One distillation: an arm of a task with one seed.

    Attributes:
        task: The task.
        arm: The arm's name.
        seed: The seed.
        settings: The keys of the distillation that decide about its figures.
        metric: The main measure.
        measured_on: On what, in words.
        quality: Measure -> the student's.
        loyalty: Teacher, or `ensemble` -> measure -> the student's loyalty to it.
        teachers: Teacher, or `ensemble` -> measure -> its own quality.
        sizes: `student` or teacher -> parameters and megabytes, and latency where that was measured.
        steps: How many optimizer steps.
        seconds: How long the training took.
        answers: What every model answers; see `Answered`.
    """

    task: str
    arm: str
    seed: int
    settings: dict[str, Any]
    metric: str
    measured_on: str
    quality: Figures
    loyalty: dict[str, Figures]
    teachers: dict[str, Figures]
    sizes: dict[str, dict[str, Any]]
    steps: int
    seconds: float
    answers: dict[str, np.ndarray] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def answered(self) -> Answered:
        """What every model answers, with labels numbered alike in all cells."""
        return Answered.from_arrays(self.answers).numbered_by_name()


class Cells:
    """The cells of an ablation on disk.

    Args:
        folder: Where they are kept.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, cell: Cell) -> None:
        """Keep a cell; it is there once its JSON is, which comes last."""
        path = self._path(cell.task, cell.arm, cell.seed)
        content = {name: value for name, value in asdict(cell).items() if name != "answers"}

        write_whole(path.with_suffix(".npz"), lambda part: part.write_bytes(_packed(cell.answers)))
        write_text(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")

    def read(self, task: str, arm: str, seed: int, settings: Mapping[str, Any]) -> Cell | None:
        """Return a cell; None where it is not finished.

        Args:
            task: The task.
            arm: The arm's name.
            seed: The seed.
            settings: Those with which it is to have been run.

        Raises:
            ValueError: It was run with others, or is none.
        """
        path = self._path(task, arm, seed)
        if not path.exists():
            return None

        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            with np.load(path.with_suffix(".npz")) as arrays:
                cell = Cell(**content, answers=dict(arrays))
            if not all(isinstance(getattr(cell, name), dict) for name in MAPPINGS):
                raise TypeError
        except (OSError, TypeError, ValueError, EOFError, BadZipFile, ZlibError) as error:
            raise ValueError(f"'{path}' is no cell of an ablation. Remove it, or choose another folder.") from error
        refuse_other(f"'{path}'", cell.settings, settings)
        return cell

    def arms(self, task: str) -> list[str]:
        """Return the names of the arms of a task that have a finished cell, whether or not a file names them."""
        return sorted({path.parent.name for path in (self.folder / task).glob("*/*.json")})

    def _path(self, task: str, arm: str, seed: int) -> Path:
        return self.folder / task / arm / f"{seed}.json"


def refuse_other_examples(now: Answered, cell: Cell) -> None:
    """Refuse to compare a cell with others of its task that are measured on examples with other labels.

    Args:
        now: The labels of the others.
        cell: The cell.

    Raises:
        ValueError: They differ.
    """
    if not now.has_labels_of(cell.answered):
        raise ValueError(
            f"In {cell.task}, '{cell.arm}' with seed {cell.seed} was measured on other examples, so the data have "
            "changed. Choose another output_dir, or remove the cells of the task."
        )


def check_names(names: Mapping[str, Any]) -> None:
    """Refuse names that cannot name a folder everywhere.

    Raises:
        ValueError: There is one.
    """
    for name in names:
        if not NAME.fullmatch(name) or name.strip(". ") != name:
            raise ValueError(
                f"'{name}' names an arm or a teacher, and a folder is called by it. Use letters, digits, blanks and "
                ". + - _ = , ( )."
            )


def refuse_other(owner: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Refuse to go on with what was run otherwise.

    Args:
        owner: What was.
        before: The settings with which it was run.
        now: Those that hold now.

    Raises:
        ValueError: They differ; the message names where.
    """
    if others := differing_settings(before, now):
        raise ValueError(
            f"{owner} was run with {', '.join(others)}. Give the same, another name, or another output_dir."
        )


def _packed(arrays: Mapping[str, np.ndarray]) -> bytes:
    file = BytesIO()
    np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
    return file.getvalue()
