"""The teachers of an ablation: each learns each task once, and all arms and seeds have the same."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ...whole_file import write_text
from ..terminal.progress import Progress
from .arms import Arm
from .cells import refuse_other
from .configuration import Keys
from .distillation import CellDistillation, WithinStage, make_distillation, settings_of, told_of

SEED = 42


class TaskTeacher:
    """One teacher of one task.

    Args:
        arm: How it learns the task, from `teachers_arm`.
        name: Its name.
        source: Its id or folder.
        folder: Where it is kept under its name, if it learns the task here.

    Attributes:
        ready: Its id or folder once it knows the task; None where it is still to learn.

    Raises:
        ValueError: There is no such teacher, or it learned otherwise.
    """

    def __init__(self, arm: Arm, name: str, source: str, folder: Path) -> None:
        self.arm = arm
        self.name = name
        self.source = source
        self.folder = folder
        self.settings: Keys = {"source": source, **settings_of(arm)}
        self.ready = self._found()

    def learn(self, progress: Progress) -> None:
        """Fine-tune it, unless another run in the same folder has done so by now.

        Raises:
            UnfitError: The data or the arguments do not fit it.
            ValueError: Another run has taught it otherwise.
        """
        if self._file.is_file():
            self.ready = self._found()
            return

        within: Any = WithinStage(progress)
        self.folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=f"{self.name}.learning-", dir=self.folder) as scratch:  # one per run
            distillation = self._distillation(scratch)
            with told_of(f"The teacher '{self.name}' cannot learn {self.arm.task}"):
                distillation.prepare(within)
            distillation.train_teachers(within)
            if not self._file.is_file():
                self._keep(Path(scratch) / "teacher-1")  # a trainer calls it as its folder is called
        self.ready = self._found()

    def _keep(self, learned: Path) -> None:
        shutil.rmtree(self.folder / self.name, ignore_errors=True)  # of a run that was stopped here
        learned.rename(self.folder / self.name)
        write_text(self._file, json.dumps(self.settings, indent=1, ensure_ascii=False))

    @property
    def _file(self) -> Path:
        """There once the teacher has learned."""
        return self.folder / f"{self.name}.json"

    def _found(self) -> str | None:
        if not self._file.is_file():
            (found,) = self._distillation(self.folder).found
            return None if found.fine_tune else self.source

        try:
            settings = json.loads(self._file.read_text(encoding="utf-8"))
        except ValueError as error:
            raise ValueError(f"'{self._file}' is damaged. Remove it, and the teacher learns again.") from error
        refuse_other(f"The fine-tuning of the teacher in '{self.folder / self.name}'", settings, self.settings)
        return str(self.folder / self.name)

    def _distillation(self, output_dir: str | Path) -> CellDistillation:
        return make_distillation(self.arm, SEED, [self.source], output_dir)


def settings_of_all(teachers: Mapping[str, TaskTeacher]) -> Keys:
    """Return how the teachers of a task have learned it, for the cells that depend on it."""
    return {name: teacher.settings for name, teacher in teachers.items()}
